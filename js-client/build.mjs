/**
 * The single-file build that the server serves, so that a page needs no npm.
 *
 * `node build.mjs` writes it into the Python package; `node build.mjs --check` compares instead and fails when the
 * committed file is not what the sources build. The same sources give the same bytes on every machine: the lock file
 * pins esbuild, and neither date nor path gets into the output. It is plain ASCII, so a wrong charset cannot hurt it.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

const GZIP_LIMIT = 12_000;
const BUILT = "framework/antiphon/browser/antiphon.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const target = new URL(`../${BUILT}`, import.meta.url);
const { version } = JSON.parse(await readFile(new URL("package.json", import.meta.url), "utf8"));

/**
 * Properties that stay among our own sources, and are therefore shortened: neither an application, nor the browser, nor
 * the wire knows an object that has them. One that is missing here costs some bytes, one that is wrong here breaks the
 * build, which test/build.test.ts would show.
 */
const INTERNAL = `
  abandon above accept acked admit alone answered asked asking attachedFor beacon bounds calls candidate carried carrier
  _change clock congested contentType counted cursor deliver _deliver dirty _disconnected drained due emitCall
  emitVolatile encoded ending enter _entry era expire fields _finish flow flush gate _giveBack greet heard hurry
  idle interval _join kinds left lifecycle listen losses lost mark members nextCall numbered offline online open
  opened optional overflowed owes pack packet parting parts phase pings place port presses progress putOut receive
  _refresh report reserve _reset retryAt rewind run sent settings settle since single slower soon stale start stop
  stopped take takesOver tell tick token told verb wake want wanted watching welcomed wishes withdraw write
`;

const { outputFiles } = await build({
  absWorkingDir: here,
  entryPoints: ["src/index.ts"],
  bundle: true,
  minify: true,
  // As a module, for as a script it would define a getter for every name.
  format: "esm",
  platform: "browser",
  target: "es2022",
  legalComments: "none",
  mangleProps: new RegExp(`^(${INTERNAL.trim().split(/\s+/).join("|")})$`),
  // A field without a value needs no definition.
  tsconfigRaw: { compilerOptions: { target: "es2022", useDefineForClassFields: false } },
  write: false,
});
const [output] = outputFiles;
if (output === undefined) throw new Error("esbuild built no file; its entry point is src/index.ts");

// Another 3 %, which is what a small feature costs: it uses the same few names again in every scope.
const { code = "" } = await minify(output.text, {
  module: true,
  ecma: 2020,
  compress: { passes: 4, unsafe_arrows: true, unsafe_methods: true, pure_getters: true, keep_fargs: false },
});
const exported = /export\{([^}]*)\};?\s*$/;
const names = exported.exec(code)?.[1]?.replaceAll(/(\w+) as (\w+)/g, "$2:$1");
if (names === undefined) throw new Error("the end of the build is not its list of exports");
const script = `(()=>{${code.replace(exported, `globalThis.antiphon={${names}}`)}})();`;

const built = Buffer.from(`/*! antiphon ${version}, MIT license */\n${script}\n`);
const zipped = gzipSync(built, { level: 9 }).length;
console.log(`${BUILT}: ${built.length} bytes, ${zipped} gzip (at most ${GZIP_LIMIT})`);

if (zipped > GZIP_LIMIT) {
  fail(`the single-file build is ${zipped - GZIP_LIMIT} bytes over its limit; make it smaller`);
} else if (!process.argv.includes("--check")) {
  await mkdir(new URL(".", target), { recursive: true });
  await writeFile(target, built);
} else if (!built.equals(await committed())) {
  fail(`${BUILT} is not what js-client/src builds; run \`make build\` and commit it`);
}

/** @returns {Promise<Buffer>} */
async function committed() {
  try {
    return await readFile(target);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}

/** @param {string} sentence */
function fail(sentence) {
  console.error(sentence);
  process.exitCode = 1;
}

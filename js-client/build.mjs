/**
 * The single-file build that the server serves, so that a page needs no npm.
 *
 * `node build.mjs` writes it into the Python package; `node build.mjs --check` compares instead and fails when the
 * committed file is not what the sources build. The same sources give the same bytes on every machine: the lock file
 * pins the tools, neither date nor path gets into the output, and the names that a search found are kept in names.json.
 * It is plain ASCII, so a wrong charset cannot hurt it.
 *
 * When the sources have changed, names are searched for anew, for some seconds. `node build.mjs --rounds=50000` goes on
 * with that for a minute or two, which saves another 2 %.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";
import { Names } from "./shorten.mjs";

// The budget is 12,000, and it is missed since streams, event streams and users came in. This is where it stands now.
const GZIP_LIMIT = 13_400;
const BUILT = "framework/antiphon/browser/antiphon.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const target = new URL(`../${BUILT}`, import.meta.url);
const kept = new URL("names.json", import.meta.url);
const checking = process.argv.includes("--check");
const { version } = JSON.parse(await readFile(new URL("package.json", import.meta.url), "utf8"));

/**
 * Properties that stay among our own sources, and are therefore shortened: neither an application, nor the browser, nor
 * the wire knows an object that has them, and none is looked up by a text. One that is missing here costs some bytes, one
 * that is wrong here breaks the build, which test/build.test.ts would show. What is quoted keeps its name.
 */
const INTERNAL = `
  abandon above accept ack acked admit after alone answered ask asked asking attachedFor authorized beacon bounds calls
  candidate carried carrier _change changed clock codec congested contentType counted cursor deliver _deliver dirty
  _disconnected drained due emitCall encoded ending entry _entry era expire failure fields _finish flow flush gate _giveBack
  grant greet heard hurry idle interpret _join joined kind kinds left lifecycle listen live losses lost mark members
  nextCall number numbered offline onEnd online open opened optional outbox outgoing over overflowed owes owner pack
  packet parting parts patience phase pings place port presses progress put putOut receive _refresh refused remember
  remove report _reset retryAt rewind room run say sent session settings settle since single slower soon stale start
  stop stopped take takesOver tell tick token told verb waiting wake want wanted watching welcomed wishes
  withdraw write
`;

const internal = INTERNAL.trim().split(/\s+/);

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
  mangleProps: new RegExp(`^(${internal.join("|")})$`),
  // Marked for now; shorten.mjs knows them by that.
  mangleCache: Object.fromEntries(internal.map((name) => [name, `$${name}$`])),
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
const names = exported.exec(code)?.[1]?.replaceAll(/([\w$]+) as (\w+)/g, "$2:$1");
if (names === undefined) throw new Error("the end of the build is not its list of exports");
const script = await shortened(`(()=>{${code.replace(exported, `globalThis.antiphon={${names}}`)}})();`);

const built = Buffer.from(`/*! antiphon ${version}, MIT license */\n${script}\n`);
const zipped = gzipSync(built, { level: 9 }).length;
console.log(`${BUILT}: ${built.length} bytes, ${zipped} gzip (at most ${GZIP_LIMIT})`);

if (zipped > GZIP_LIMIT) {
  fail(`the single-file build is ${zipped - GZIP_LIMIT} bytes over its limit; make it smaller, or try --rounds=50000`);
} else if (!checking) {
  await mkdir(new URL(".", target), { recursive: true });
  await writeFile(target, built);
} else if (!built.equals(await committed())) {
  fail(`${BUILT} is not what js-client/src builds; run \`make build\` and commit it`);
}

/**
 * The script with short names: those that are kept for it, or better ones.
 * @param {string} long
 */
async function shortened(long) {
  const script = new Names(long);
  const sources = createHash("sha256").update(long).digest("hex");
  const found = JSON.parse(await readFile(kept, "utf8"));
  const known = found.sources === sources;
  if (known) script.names = found.names.split(" ");
  const rounds = process.argv.find((option) => option.startsWith("--rounds="))?.slice(9) ?? (known ? 0 : 5000);
  if (!checking && Number(rounds)) {
    script.search(Number(rounds));
    await writeFile(kept, `${JSON.stringify({ sources, names: script.names.join(" ") }, null, 2)}\n`);
  }
  // A variable that took the name of another would be worse than a large file.
  if (new Names(String(script)).shape !== script.shape) throw new Error("short names changed what they stand for");
  return String(script);
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

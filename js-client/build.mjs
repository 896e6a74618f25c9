/**
 * The single-file build that the server serves, so that a page needs no npm.
 *
 * `node build.mjs` writes it into the Python package; `node build.mjs --check` compares instead and fails when the
 * committed file is not what the sources build. The same sources give the same bytes on every machine: the lock file
 * pins the tools, neither date nor path gets into the output, and the names that a search found are kept in names.json.
 * It is plain ASCII, so a wrong charset cannot hurt it.
 *
 * When the sources have changed, names are searched for anew, which takes a minute or two and saves 4 %; the limit cannot
 * be kept without. `node build.mjs --rounds=100000` goes on with that from the names that are there.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";
import { Names } from "./shorten.mjs";
import { unsealed } from "./unseal.mjs";

const GZIP_LIMIT = 12_000;
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
  abandon above accept ack acked cancel limit ours until admit after alone answered ask asked asking attachedFor authorized beacon bounds calls
  candidate carried carrier _change changed clock codec congested contentType counted cursor deliver _deliver dirty
  _disconnected drained due emitCall encoded ending entry _entry expire failure fields _finish flow flush gate _giveBack
  grant greet heard hurry idle interpret _join joined kind kinds left lifecycle listen live losses lost mark
  member nextCall number numbered offline onEnd online open opened outbox outgoing over overflowed owes owner pack
  packet parting parts patience phase pings place port presses progress put putOut receive _refresh refused remember
  redelivered remove report _reset retryAt rewind room run say sent session settings settle since single slower soon stale start
  stop stopped take takesOver tell tick token told verb waiting wake want wanted welcomed wishes
  withdraw write
`;

const internal = INTERNAL.trim().split(/\s+/);

const { outputFiles } = await build({
  absWorkingDir: here,
  entryPoints: ["src/single.ts"],
  bundle: true,
  minify: true,
  format: "iife",
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
if (output === undefined) throw new Error("esbuild built no file; its entry point is src/single.ts");

// Another 3 %, which is what a small feature costs: it uses the same few names again in every scope.
const { code = "" } = await minify(output.text, {
  ecma: 2020,
  compress: { passes: 4, unsafe_arrows: true, unsafe_methods: true, pure_getters: true, keep_fargs: false },
});
const script = await shortened(unsealed(code));

const built = Buffer.from(`/*! antiphon ${version}, MIT license */\n${script}\n`);
const zipped = gzipSync(built, { level: 9 }).length;
console.log(`${BUILT}: ${built.length} bytes, ${zipped} gzip (at most ${GZIP_LIMIT})`);

if (zipped > GZIP_LIMIT) {
  fail(`the single-file build is ${zipped - GZIP_LIMIT} bytes over its limit; make it smaller, or try --rounds=100000`);
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
  const rounds = process.argv.find((option) => option.startsWith("--rounds="))?.slice(9) ?? (known ? 0 : 60_000);
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

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

const GZIP_LIMIT = 12_000;
const BUILT = "framework/antiphon/browser/antiphon.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const target = new URL(`../${BUILT}`, import.meta.url);
const { version } = JSON.parse(await readFile(new URL("package.json", import.meta.url), "utf8"));

const { outputFiles } = await build({
  absWorkingDir: here,
  entryPoints: ["src/index.ts"],
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "antiphon",
  platform: "browser",
  target: "es2022",
  legalComments: "none",
  banner: { js: `/*! antiphon ${version} | MIT license | built from js-client/, do not edit */` },
  write: false,
});
const [output] = outputFiles;
if (output === undefined) throw new Error("esbuild built no file; its entry point is src/index.ts");

const built = Buffer.from(output.contents);
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

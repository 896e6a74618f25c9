/** The version that the library tells is the one that its package is published under. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { version } from "../src/index.js";

test("the version is that of the package", async () => {
  const manifest = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));

  expect(version).toBe(manifest.version);
});

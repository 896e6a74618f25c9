// What every browser test needs: the server, the fault proxy before it, and a page in a real Chromium.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const { chromium } = createRequire(new URL("../../js-client/", import.meta.url))("playwright-core");
export const root = fileURLToPath(new URL("../../", import.meta.url));
export const python = process.env.PYTHON ?? "python3";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Start a Python module of ours; resolves to its first line of output, read as JSON, and the process. */
export async function startPython(module, ...args) {
  const child = spawn(python, ["-m", module, ...args.map(String)], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([
    once(lines, "line"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`${module} ended with ${code} before it was ready`))),
  ]);
  return { ...JSON.parse(line), process: child };
}

export async function stop(started) {
  if (started.process.exitCode === null && started.process.signalCode === null) {
    started.process.kill("SIGKILL");
    await once(started.process, "exit");
  }
}

export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });

/**
 * The server behind the fault proxy, and a browser. `tls`: the server speaks TLS with a certificate of its own making.
 * `module`: another server than that of app.py.
 */
export async function setUp({ tls = false, module = "tests.browser.app" } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "antiphon-browser-"));
  const certificate = tls ? await makeCertificate(folder) : [];
  const app = await startPython(module, "--port", 0, ...certificate);
  const proxy = await startPython("antiphon.testing.proxy", "--target", app.port, "--control", 0);
  const browser = await launch();
  const context = await browser.newContext({ ignoreHTTPSErrors: tls });
  const page = await context.newPage();
  const scheme = tls ? "https" : "http";
  const world = {
    page,
    context,
    app,
    url: `${scheme}://127.0.0.1:${proxy.port}/`,
    /** Tell the fault proxy to do something; answers its statistics. */
    async fault(verb) {
      const answer = await fetch(`${proxy.control}/${verb}`, { method: "POST" });
      if (!answer.ok) throw new Error(`${verb}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    },
    /** Ask the server itself, past the proxy. */
    async statistics() {
      return JSON.parse(await direct(world.app.port, tls, "GET", "/statistics"));
    },
    /** Have the server do something else that it knows, past the proxy. */
    post: (path) => direct(world.app.port, tls, "POST", path),
    /** Have the server send 1 to `to`; resolves when it has. */
    countDown: (to, every) => direct(world.app.port, tls, "POST", `/count?to=${to}&every=${every}`),
    /** Kill the server and start another in its place. */
    async restart() {
      await stop(world.app);
      world.app = await startPython(module, "--port", world.app.port, ...certificate);
    },
    async tearDown() {
      await browser.close();
      await stop(proxy);
      await stop(world.app);
      rmSync(folder, { recursive: true });
    },
  };
  return world;
}

async function makeCertificate(folder) {
  const [certificate, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const openssl = spawn(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate, ...subject],
    { stdio: "ignore" },
  );
  const [code] = await once(openssl, "exit");
  if (code !== 0) throw new Error(`openssl ended with ${code}`);
  return ["--certificate", certificate, "--key", key];
}

async function direct(port, tls, method, path) {
  const { request } = tls ? await import("node:https") : await import("node:http");
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method, rejectUnauthorized: false }, (answer) => {
      let body = "";
      answer.on("data", (part) => (body += part));
      answer.on("end", () => (answer.statusCode === 200 ? resolve(body) : reject(new Error(`${path}: ${body}`))));
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** The numbers the page shows, in the order in which it shows them. */
export const downs = (page) => page.$$eval("#downs li", (lines) => lines.map((line) => Number(line.textContent)));

/** The outcomes the page shows: number → what its call ended with. */
export async function outcomes(page) {
  const text = await page.textContent("#outcomes");
  return new Map(text.split(" ").filter(Boolean).map((each) => [Number(each.split(":")[0]), each.split(":")[1]]));
}

export const upTo = (count) => Array.from({ length: count }, (_, index) => index + 1);

/** Wait until `look` gives something true; fails with what it gave last. */
export async function until(what, look, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  let seen;
  while (Date.now() < end) {
    seen = await look();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what} did not come true in ${seconds} s; last seen: ${JSON.stringify(seen)}`);
}

const allOk = (seen, count) => [...seen].length === count && [...seen.values()].every((what) => what === "ok");

/** Count down and up at once, `during` happens meanwhile; then everything must have arrived once and in order. */
export async function countThrough(world, count, every, during) {
  const { page } = world;
  const counted = Promise.all([
    world.countDown(count, every),
    page.evaluate(([to, pause]) => window.countUp(to, pause), [count, every]),
  ]);
  await during();
  await counted;
  await until("the last number is shown", async () => (await downs(page)).at(-1) === count);
  await until("every call has an outcome", async () => (await outcomes(page)).size === count);
  assert.deepEqual(await downs(page), upTo(count));
  assert.ok(allOk(await outcomes(page), count), await page.textContent("#outcomes"));
  assert.deepEqual((await world.statistics()).heard, upTo(count));
  assert.equal(await page.textContent("#losses"), "");
}

export const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/**
 * A proxy as some companies have it: it knows no WebSockets, and passes an answer on when it is complete. Resolves to its
 * port, and how to close it.
 */
export async function startBufferingProxy(target) {
  const proxy = createServer((asked, answering) => {
    const { upgrade, connection, ...headers } = asked.headers;
    const passed = request({ port: target, host: "127.0.0.1", path: asked.url, method: asked.method, headers });
    passed.on("response", async (answer) => {
      const body = await answer.toArray().catch(() => null);
      if (body === null) return answering.destroy();
      answering.writeHead(answer.statusCode, answer.headers).end(Buffer.concat(body));
    });
    passed.on("error", () => answering.destroy());
    answering.on("close", () => passed.destroy());
    asked.pipe(passed);
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  return {
    port: proxy.address().port,
    close() {
      proxy.close();
      proxy.closeAllConnections();
    },
  };
}

export const transportIs = (world, name) =>
  until(`the server uses ${name}`, async () => (await world.statistics()).transports[name] === 1);

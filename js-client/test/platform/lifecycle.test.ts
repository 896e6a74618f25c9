/** The events of a page, as moments. */
import { afterEach, expect, test, vi } from "vitest";
import { type Moment, PageLifecycle } from "../../src/platform/lifecycle.js";

afterEach(() => {
  vi.unstubAllGlobals();
});

function listen() {
  const page = new EventTarget();
  const document = { hidden: false };
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("document", document);
  const moments: Moment[] = [];
  const stop = new PageLifecycle().listen((moment) => moments.push(moment));
  return { page, document, moments, stop };
}

test("network, page and visibility are told", () => {
  const { page, document, moments } = listen();

  for (const type of ["offline", "online", "pagehide", "pageshow"]) page.dispatchEvent(new Event(type));
  document.hidden = true;
  page.dispatchEvent(new Event("visibilitychange"));
  document.hidden = false;
  page.dispatchEvent(new Event("visibilitychange"));

  expect(moments).toEqual(["offline", "online", "pagehide", "pageshow", "hidden", "visible"]);
});

test("it can be stopped", () => {
  const { page, moments, stop } = listen();

  stop();
  page.dispatchEvent(new Event("offline"));

  expect(moments).toEqual([]);
});

test("in Node there is nothing to hear, and nobody to send a beacon", () => {
  const lifecycle = new PageLifecycle();

  expect(() => lifecycle.listen(() => {})()).not.toThrow();
  expect(() => lifecycle.beacon("http://here", "text")).not.toThrow();
});

/** The events of a page, as moments. */
import { afterEach, expect, test, vi } from "vitest";
import { type Moment, PageLifecycle } from "../../src/platform/lifecycle.js";

afterEach(() => {
  vi.unstubAllGlobals();
});

function listen() {
  const page = new EventTarget();
  const document = Object.assign(new EventTarget(), { hidden: false });
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("document", document);
  const moments: Moment[] = [];
  const stop = new PageLifecycle().listen((moment) => moments.push(moment));
  return { page, document, moments, stop };
}

function show(persisted: boolean): Event {
  return Object.assign(new Event("pageshow"), { persisted });
}

test("network, page and visibility are told", () => {
  const { page, document, moments } = listen();

  for (const type of ["offline", "online", "pagehide"]) page.dispatchEvent(new Event(type));
  document.hidden = true;
  document.dispatchEvent(new Event("visibilitychange"));
  document.hidden = false;
  document.dispatchEvent(new Event("visibilitychange"));

  expect(moments).toEqual(["offline", "online", "leave", "hidden", "visible"]);
});

test("a page is back only when it had been kept", () => {
  const { page, moments } = listen();

  page.dispatchEvent(show(false));
  page.dispatchEvent(show(true));

  expect(moments).toEqual(["back"]);
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

/** What worked is known on the next visit, where there is a storage. */
import { afterEach, expect, test, vi } from "vitest";
import { pageRemembers } from "../../src/platform/storage.js";

const URL_ = "http://here/antiphon";

afterEach(() => {
  vi.unstubAllGlobals();
});

test("what worked is known afterwards, for its address only", () => {
  const localStorage: Record<string, string> = {};
  vi.stubGlobal("localStorage", localStorage);

  pageRemembers(URL_, "sse");

  expect(pageRemembers(URL_)).toBe("sse");
  expect(pageRemembers("http://there/antiphon")).toBeUndefined();
  expect(localStorage).toEqual({ [`antiphon ${URL_}`]: "sse" });
});

test("where there is no storage nothing is known", () => {
  vi.stubGlobal("localStorage", undefined);

  expect(pageRemembers(URL_, "sse")).toBeUndefined();
});

test("where the storage is blocked nothing is known", () => {
  const forbid = () => {
    throw new DOMException("denied", "SecurityError");
  };
  vi.stubGlobal("localStorage", new Proxy({}, { get: forbid, set: forbid }));

  expect(pageRemembers(URL_, "sse")).toBeUndefined();
});

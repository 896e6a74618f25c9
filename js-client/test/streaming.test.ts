/** Event streams as text: what is an event, however its bytes come. */
import { expect, test } from "vitest";
import { readEvents } from "../src/streaming.js";

async function read(...pieces: readonly (string | Uint8Array<ArrayBuffer>)[]): Promise<[heard: string[], end: string]> {
  const heard: string[] = [];
  const end = await readEvents(new Blob([...pieces]).stream(), (text) => heard.push(text));
  return [heard, end];
}

/** The same, one byte at a time. */
async function dribble(text: string): Promise<[heard: string[], end: string]> {
  const heard: string[] = [];
  const bytes = new TextEncoder().encode(text).values();
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const { value, done } = bytes.next();
      if (done) controller.close();
      else controller.enqueue(new Uint8Array([value]));
    },
  });
  const end = await readEvents(stream, (message) => heard.push(message));
  return [heard, end];
}

test("every message is told, and a stream that is cut ended with nothing", async () => {
  expect(await read("data: [0]\n\ndata: [1]\n\n")).toEqual([["[0]", "[1]"], ""]);
});

test("it does not matter how the bytes are cut", async () => {
  expect(await dribble("data: é[0]\n\ndata: €\n\nevent: close\ndata: fenced:2\n\n")).toEqual([
    ["é[0]", "€"],
    "fenced:2",
  ]);
});

test("half an event at the end is none", async () => {
  expect(await read("data: [0]\n\ndata: [1]\n")).toEqual([["[0]"], ""]);
});

test("an event named close is the end, and what it says is returned", async () => {
  expect(await read("event: close\ndata: expired:too late\n\ndata: [0]\n\n")).toEqual([[], "expired:too late"]);
});

test("comments are ignored", async () => {
  expect(await read(": hello\n\ndata: [0]\n\n:\n\n: data: [1]\n\n")).toEqual([["[0]"], ""]);
});

test("only a line feed ends a line", async () => {
  const text = '["\u2028event: close\u2029data: x\r"]';

  expect(await read(`data: ${text}\n\n`)).toEqual([[text], ""]);
});

test("an event that does not end is not kept for ever", async () => {
  const piece = "x".repeat(1 << 20);
  let pulled = 0;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      pulled++;
      controller.enqueue(new TextEncoder().encode(piece));
    },
  });

  expect(await readEvents(stream, () => {})).toBe("");
  expect(pulled).toBeLessThan(24);
});

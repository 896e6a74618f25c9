/** The text of an event stream: events out of pieces, however they are cut. Only what our server writes. */

// A message has less, and what never ends must not fill the memory.
const LONGEST = 1 << 24;

/** Tell `heard` of every message; returns what the stream was closed with, "" when it was cut. */
export async function readEvents(stream: ReadableStream<BufferSource>, heard: (text: string) => void): Promise<string> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  while (held.length < LONGEST) {
    const { value, done } = await reader.read();
    if (done) break;
    const blocks = (held + value).split("\n\n");
    held = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, close, data = ""] = /^(event: close\n)?data: (.*)/s.exec(block) ?? [];
      if (close) return data;
      // A comment has none.
      if (data) heard(data);
    }
  }
  return "";
}

/** Event maps: what a user types is checked when it is compiled. tsc reads this file; nothing in it is run. */
import { describe, expectTypeOf, test } from "vitest";
import type { connect, Namespace } from "../src/index.js";

interface Heard {
  said: (who: string, text: string) => void;
  sum: (rows: AsyncIterable<number>) => number;
}

interface Said {
  say: (text: string) => number;
  leave: () => void;
  ticks: (count: number) => AsyncIterable<number>;
  import: (rows: AsyncIterable<string>, room: string) => number;
}

type Chat = Namespace<Heard, Said>;

describe("event maps", () => {
  test("say what a listener is given", () => {
    expectTypeOf<Parameters<Chat["on"]>[0]>().toEqualTypeOf<"said" | "sum">();
    const use = (chat: Chat) => {
      chat.on("said", (who, text) => {
        expectTypeOf(who).toBeString();
        expectTypeOf(text).toBeString();
      });
      // @ts-expect-error: nobody says that
      chat.on("sung", () => {});
      // @ts-expect-error: the second argument is a string
      chat.on("said", (who: string, times: number) => [who, times]);
    };
    expectTypeOf(use).toBeFunction();
  });

  test("say what an emit takes, and what a call resolves to", () => {
    const use = (chat: Chat) => {
      chat.emit("leave");
      expectTypeOf(chat.call("say", "hello")).resolves.toBeNumber();
      expectTypeOf(chat.with({ timeout: 2 }).call("say", "hello")).resolves.toBeNumber();
      // @ts-expect-error: it takes a string
      chat.emit("say", 5);
      // @ts-expect-error: it takes one argument
      chat.emit("say");
      // @ts-expect-error: nobody hears that
      chat.call("shout", "hello");
    };
    expectTypeOf(use).toBeFunction();
  });

  test("say what streams, and what is streamed", () => {
    const use = async (chat: Chat) => {
      expectTypeOf(chat.stream("ticks", 10)).toEqualTypeOf<AsyncIterable<number>>();
      expectTypeOf(chat.with({ onItem: (tick: number) => tick }).call("ticks", 10)).resolves.toBeUndefined();
      async function* rows() {
        yield "a row";
      }
      expectTypeOf(chat.call("import", rows(), "lobby")).resolves.toBeNumber();
      chat.on("sum", async (numbers) => {
        for await (const number of numbers) expectTypeOf(number).toBeNumber();
      });
      // @ts-expect-error: its answer is one number
      chat.stream("say", "hello");
      // @ts-expect-error: its rows are strings
      chat.call("import", chat.stream("ticks", 10), "lobby");
    };
    expectTypeOf(use).toBeFunction();
  });

  test("say what a loop over an event reads", () => {
    const use = async (chat: Chat) => {
      for await (const [who, text] of chat.events("said")) {
        expectTypeOf(who).toBeString();
        expectTypeOf(text).toBeString();
      }
      // @ts-expect-error: nobody says that
      chat.events("sung");
    };
    expectTypeOf(use).toBeFunction();
  });

  test("leave a handler what tells that nobody waits", () => {
    const use = (chat: Chat) => {
      chat.on("said", function () {
        expectTypeOf(this.signal).toEqualTypeOf<AbortSignal | undefined>();
      });
    };
    expectTypeOf(use).toBeFunction();
  });

  test("may be left out", () => {
    const use = (connecting: typeof connect) => {
      const chat = connecting("/chat");
      chat.on("anything", (...args) => args.length);
      expectTypeOf(chat.call("anything", 1, "two")).resolves.toBeUnknown();
      expectTypeOf(chat.stream("anything", 1, "two")).toEqualTypeOf<AsyncIterable<unknown>>();
    };
    expectTypeOf(use).toBeFunction();
  });
});

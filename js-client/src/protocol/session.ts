/**
 * A session: what the application sees as one connected peer, whatever happens to the transports underneath.
 *
 * Pure: it is told the time, messages come in through `receive` and go out through `take`, and nothing else happens.
 * All that changes the state is in this table; what has a dash does not happen.
 *
 *     state      attach     detach     close      end       renew
 *     fresh      attached   -          ended      ended     -         no transport yet, nothing promised
 *     attached   attached   detached   closing    ended     -         one live transport; attach again takes over
 *     detached   attached   detached   ended      ended     -         everything is kept for the window
 *     closing    closing    ended      closing    ended     -         a goodbye waits for acks, 2 s at most
 *     ended      -          ended      ended      ended     fresh     `ending` says why; a client may begin anew
 *
 * This is what both ends have in common; client_session.ts adds the client's half of the attach.
 */
import { CallError, CallFailed, ConnectionClosed, OutboxFull, RemoteProtocolError } from "../errors.js";
import { Calls, type Pending } from "./calls.js";
import type { Closing, Ending } from "./closing.js";
import { type Codec, type Data, type Message, sizeOf } from "./codec.js";
import { Inbox } from "./inbox.js";
import { NEVER } from "./never.js";
import { type Bounds, Entry, Outbox, type Wishes } from "./outbox.js";
import {
  ACK,
  type Ack,
  CANCEL,
  CLOSE,
  CREDIT,
  END,
  FAILED,
  ITEM,
  type Packet,
  PING,
  PONG,
  REPLY,
  VOLATILE,
} from "./packets.js";

export type State = "fresh" | "attached" | "detached" | "closing" | "ended";
export type Act = "attach" | "detach" | "close" | "end" | "renew";

/** The same as rules: where an act leads to, and in which states it leads elsewhere. Without a rule the state stays. */
const LEADS: Readonly<Record<string, State>> = {
  attach: "attached",
  "closing attach": "closing",
  detach: "detached",
  "closing detach": "ended",
  "ended detach": "ended",
  "attached close": "closing",
  end: "ended",
  "ended renew": "fresh",
};

// A goodbye waits so long for acks (contract rule 26).
const CLOSE_WAIT = 2;
// and asks for them as often.
const CLOSE_ASK = 0.25;
// What a message's own head may take of its limit.
const HEAD = 64;

export interface SessionOptions {
  readonly codec: Codec;
  readonly outbox: Bounds;
  /** Called when there is something to `take`. */
  readonly wake: () => void;
  /** Called with every packet for the application, in order; from then on it is acked. It must not throw. */
  readonly deliver: (packet: Packet) => void;
}

export class Session {
  readonly codec: Codec;
  state: State = "fresh";
  ending: Ending | null = null;
  outbox: Outbox;
  inbox = new Inbox();
  readonly calls = new Calls();
  /** How long the peer, which pings, may be silent (contract rule 20). */
  patience = 40;
  /** Bytes that one message may have. */
  message = 1 << 20;
  readonly #options: SessionOptions;
  /** When anything at all last came; NEVER where silence means nothing, as on a transport that polls. */
  #heard = NEVER;
  #answers: Packet[] = [];
  #gapAt = 0;
  #closeBy = NEVER;
  #askAt = NEVER;
  #farewell: Data | null = null;

  constructor(options: SessionOptions) {
    this.codec = options.codec;
    this.#options = options;
    this.outbox = this.#emptyOutbox();
  }

  // -- the state has one door ----------------------------------------------------------------------------------------

  _change(act: Act): void {
    const { state } = this;
    this.state = LEADS[`${state} ${act}`] ?? LEADS[act] ?? state;
  }

  /** Whether a transport is under the session now. */
  get carried(): boolean {
    return this.state === "attached" || this.state === "closing";
  }

  /** A transport begins; the peer has received everything up to `received`. `pings`: see Port.pings. */
  attach(received: number, now: number, pings = true): void {
    this._change("attach");
    this.#answers = [];
    // The last words of an earlier session whose transport did not take them.
    this.#farewell = null;
    // The last ack may have been lost with the old transport, and the peer's window may wait for it.
    this.inbox.told = 0;
    this.outbox.rewind(received);
    this.#heard = pings ? now : NEVER;
    this.outbox.mark();
  }

  /** The transport is gone; everything is kept, but for what is volatile. */
  detach(): void {
    this._change("detach");
    this.outbox.withdraw(({ packet }) => packet[0] === VOLATILE);
    this.#heard = NEVER;
    if (this.state === "ended") this.end("closed");
  }

  /** Say goodbye: once everything is acked, after 2 s at most, the session ends for both. */
  close(now: number): void {
    if (this.state === "attached") {
      this._change("close");
      // No endless stream is to hold the goodbye up: nobody sends and nobody asks any more.
      for (const { owner, limit } of this.calls) if (limit) this.calls.close(owner, new ConnectionClosed("closed"));
      this.#closeBy = now + CLOSE_WAIT;
      this.#askForAcks(now);
    } else if (this.state !== "closing") {
      this.end("closed");
    }
  }

  /** A Ping brings back an ack with its Pong; otherwise a goodbye would wait for the 5 s that an ack may take. */
  #askForAcks(now: number): void {
    this.#answer([PING, toMilliseconds(now)]);
    this.#askAt = now + CLOSE_ASK;
  }

  /** Whether our goodbye was said: there is nothing to come back for. */
  get parting(): boolean {
    return this.#closeBy < NEVER;
  }

  /** End it now. An attached peer is told, if `tell`, by a Close in the last message that `take` returns. */
  end(code: string, reason = "", retryAfter: number | null = null, tell = true): void {
    if (this.ending) return;
    if (this.carried && tell) {
      const wait = retryAfter === null ? null : toMilliseconds(retryAfter);
      this.#farewell = this.alone(this.outbox.cursor, this.progress(), [CLOSE, code, reason, wait]);
      this.#options.wake();
    }
    this._change("end");
    this._finish({ code, reason, retryAfter });
  }

  /** Free everything; numbers begin again. */
  _finish(ending: Ending): void {
    this.ending = ending;
    for (const pending of this.calls.ours) this.calls.abandon(pending, ending.code);
    this._reset(ending.code);
  }

  _reset(code: string): void {
    // Our own calls end one by one, or go on in the next session.
    for (const { owner } of this.calls) if (owner < 0) this.calls.close(owner, new ConnectionClosed(code));
    this.outbox = this.#emptyOutbox();
    this.inbox = new Inbox();
    this.#heard = NEVER;
    this.#closeBy = this.#askAt = NEVER;
    this.#gapAt = 0;
  }

  #emptyOutbox(): Outbox {
    return new Outbox(this.#options.outbox, this.#options.wake);
  }

  // -- sending -------------------------------------------------------------------------------------------------------

  /**
   * Queue one packet for this peer.
   *
   * Throws OutboxFull when the packet alone is too large, and ConnectionClosed when the session has ended.
   */
  send(packet: Packet, wishes?: Wishes): Entry {
    const entry = this._entry(packet, wishes);
    this.outbox.add(entry);
    return entry;
  }

  _entry(packet: Packet, wishes?: Wishes): Entry {
    if (this.ending) throw new ConnectionClosed(this.ending.code, this.ending.reason);
    const encoded = this.codec.encode(packet);
    // A quarter of the outbox, and never more than a message (contract rule 10).
    const largest = Math.min(this.outbox.bounds.size / 4, this.message - HEAD);
    if (encoded.length > largest) {
      throw new OutboxFull(`${encoded.length} bytes; send parts of at most ${largest}`);
    }
    return new Entry(packet, encoded, wishes);
  }

  /**
   * Number what may leave, keep it for replay, and return the messages to write (one at most, if `single`).
   *
   * Answers that we owe (Pong, Ack) come first. While no transport is attached nothing is returned, but for the Close
   * of a session that we ended ourselves. Call it only while the transport is not congested: what waits here can
   * still be replaced or dropped.
   */
  take(now: number, single = false): Data[] {
    const { outbox, codec } = this;
    outbox.dirty = false;
    // It may be late, and what is volatile is not to be.
    this._giveBack((entry) => entry.until <= now);
    // It may be emptier than before, and be what producers wait for.
    for (const flow of this.calls) if (!flow.entry) flow.wake();
    if (outbox.overflowed) this.end("overflow", "", 1);
    const messages: Data[] = [];
    if (this.carried) {
      if (this.inbox.owes) this.#answers.push(this.progress());
      let parts = this.#encoded(this.#answers.splice(0));
      do {
        const run = outbox.run(this.message - HEAD - sizeOf(parts));
        parts.push(...run.parts);
        if (parts.length) messages.push(codec.pack(run.number, run.counted, parts));
        if (!run.parts.length) break;
        parts = [];
      } while (!single);
      if (this.state === "closing" && outbox.idle) {
        if (single && messages.length) {
          // The Close is a message of its own.
          outbox.mark();
        } else {
          this.end("closed");
        }
      }
    }
    if (!this.carried && this.#farewell) {
      messages.push(this.#farewell);
      this.#farewell = null;
    }
    return messages;
  }

  /** Queue what leaves in front of everything else, and without a number. */
  #answer(packet: Packet): void {
    this.#answers.push(packet);
    this.outbox.mark();
  }

  /** A message of packets without a number. */
  alone(number: number, ...packets: Packet[]): Data {
    return this.codec.pack(number, 0, this.#encoded(packets));
  }

  #encoded(packets: readonly Packet[]): Uint8Array<ArrayBuffer>[] {
    return packets.map((packet) => this.codec.encode(packet));
  }

  /** What we tell the peer of how far we are, from now on told. */
  progress(): Ack {
    this.inbox.acked();
    return [ACK, this.inbox.received];
  }

  // -- receiving -----------------------------------------------------------------------------------------------------

  /** What a message says; an error when it breaks the contract. */
  interpret(data: Data): Message | (RemoteProtocolError & { readonly packets?: undefined }) {
    try {
      return this.codec.decode(data);
    } catch (error) {
      if (error instanceof RemoteProtocolError) return error;
      throw error;
    }
  }

  /** Take in one message, and deliver what it holds for the application. Returns why to close the transport, if so. */
  receive(data: Data, now: number): Closing | null {
    if (!this.carried) return null;
    if (this.#heard < NEVER) this.#heard = now;
    const message = this.interpret(data);
    if (!message.packets) return this.#violated(message.code, message.message);
    const { inbox } = this;
    const expected = inbox.received + 1;
    // One without counted packets may overtake others, where answers to several requests are under way.
    if (message.counted && message.number > expected) {
      if (this.#gapAt === expected) return this.#violated("protocol", "gap");
      this.#gapAt = expected;
      return "gap";
    }
    for (const packet of inbox.accept(message, data.length, now)) {
      const closing = this.#takeEffect(packet, now, data.length);
      // A handler may have ended the session, and whatever is left belongs to that one.
      if (closing || this.inbox !== inbox) return closing;
    }
    if (inbox.presses) this.outbox.mark();
    return null;
  }

  /** The peer broke the contract: only a new session can help, or the same bytes would come for ever. */
  #violated(code: string, reason: string): Closing {
    this.end(code, reason, 1);
    return code;
  }

  #takeEffect(packet: Packet, now: number, size: number): Closing | null {
    switch (packet[0]) {
      case REPLY: {
        const [, id, value] = packet;
        this.calls.settle(id, undefined, value);
        return null;
      }
      case FAILED: {
        const [, id, code, message, data] = packet;
        this.calls.settle(id, new CallFailed(code, message ?? "", data));
        return null;
      }
      case ITEM:
      case END:
      case CREDIT:
        return this.calls.receive(packet, size) ? null : this.#violated("flood", "items");
      case CANCEL:
        this.calls.close(-packet[1], new CallError("cancelled"));
        return null;
      case ACK: {
        const [, handed, received] = packet;
        return this.#acked(received ?? handed, handed);
      }
      case PING:
        this.#answer([PONG, packet[1], toMilliseconds(now)]);
        return null;
      case CLOSE: {
        const [, code, reason, retryAfter] = packet;
        this.end(code, reason ?? "", retryAfter == null ? null : retryAfter / 1000, false);
        return code;
      }
    }
    this.#options.deliver(packet);
    return null;
  }

  #acked(received: number, handed: number): Closing | null {
    const { outbox } = this;
    if (received < handed || received > outbox.numbered) {
      return this.#violated("protocol", "ack");
    }
    outbox.ack(handed, received);
    return null;
  }

  // -- time ----------------------------------------------------------------------------------------------------------

  /** When to call `tick`. */
  get due(): number {
    return Math.min(
      this.calls.due,
      this.outbox.due,
      this.#closeBy,
      this.#askAt,
      this.carried ? this.inbox.due : NEVER,
      this.#heard + this.patience,
    );
  }

  /** Let time pass; call it when `due` has come. Returns why to close the transport, if so. */
  tick(now: number): Closing | null {
    for (const pending of this.calls.expire(now)) this.#takeBack(pending);
    this._giveBack((entry) => entry.until <= now);
    if (now >= this.#closeBy) {
      this.end("closed");
    } else if (now >= this.#askAt) {
      this.#askForAcks(now);
    }
    return this.carried ? this.#watch(now) : null;
  }

  /** Nobody waits for the answer to a call any more, because of `reason`. */
  cancel(id: number, reason?: unknown): void {
    const pending = this.calls.settle(id, reason);
    if (pending) this.#takeBack(pending);
  }

  /** A call that has left is followed by a Cancel. */
  #takeBack({ owner, entry }: Pending): void {
    this.outbox.withdraw((waiting) => waiting === entry);
    if (entry.number) this.send([CANCEL, owner]);
  }

  #watch(now: number): Closing | null {
    if (now >= this.#heard + this.patience) return "silent";
    if (now >= this.inbox.due) {
      this.outbox.mark();
      // Should the transport be congested, this is looked after once a second.
      this.inbox.due = now + 1;
    }
    return null;
  }

  /** Take back what has no number yet: it is certainly not sent. */
  _giveBack(which: (entry: Entry) => boolean): void {
    const withdrawn = this.outbox.withdraw(which);
    for (const pending of this.calls.ours) {
      if (withdrawn.includes(pending.entry)) this.calls.abandon(pending, "taken back");
    }
  }
}

/** The times of the wire are whole milliseconds. */
export function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000);
}

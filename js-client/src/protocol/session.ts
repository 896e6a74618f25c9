/**
 * A session: what the application sees as one connected peer, whatever happens to the transports underneath.
 *
 * Pure: it is told the time, messages come in through `receive` and go out through `take`, and nothing else happens.
 * All that changes the state is in this table; what is not in it is refused.
 *
 *     state      attach     detach     close      end       renew
 *     fresh      attached   -          ended      ended     -         no transport yet, nothing promised
 *     attached   attached   detached   closing    ended     -         one live transport; attach again takes over
 *     detached   attached   detached   ended      ended     -         everything is kept for the window
 *     closing    -          ended      closing    ended     -         a goodbye waits for acks, 2 s at most
 *     ended      -          ended      ended      ended     fresh     `ending` says why; a client may begin anew
 *
 * This is what both ends have in common; client_session.ts adds the client's half of the attach.
 */
import { ConnectionClosed, LocalProtocolError, OutboxFull, RemoteProtocolError } from "../errors.js";
import { Calls } from "./calls.js";
import type { Closing, Ending } from "./closing.js";
import type { Codec, Data, Message } from "./codec.js";
import { Heartbeat } from "./heartbeat.js";
import { type Bounds, Inbox } from "./inbox.js";
import { Entry, Outbox, type Wishes } from "./outbox.js";
import type { Ack, Packet, Volatile } from "./packets.js";

export type State = "fresh" | "attached" | "detached" | "closing" | "ended";
export type Act = "attach" | "detach" | "close" | "end" | "renew";

const TRANSITIONS: Readonly<Record<State, { readonly [A in Act]?: State }>> = {
  fresh: { attach: "attached", close: "ended", end: "ended" },
  attached: { attach: "attached", detach: "detached", close: "closing", end: "ended" },
  detached: { attach: "attached", detach: "detached", close: "ended", end: "ended" },
  closing: { detach: "ended", close: "closing", end: "ended" },
  ended: { detach: "ended", close: "ended", end: "ended", renew: "fresh" },
};

// Above three quarters for so long closes the transport (contract rule 10).
const SLOW_AFTER = 5;
// A goodbye waits so long for acks (contract rule 26).
const CLOSE_WAIT = 2;
// Pongs owed at one time; a peer that pings faster than it reads gets no more.
const ANSWERS = 16;
// What a message's own head may take of its limit.
const HEAD = 64;

const NEVER = Number.POSITIVE_INFINITY;

export interface SessionOptions {
  readonly codec: Codec;
  readonly outbox: Bounds;
  readonly inbox: Bounds;
  /** Called when there is something to `take`. */
  readonly wake: () => void;
}

export class Session {
  readonly codec: Codec;
  state: State = "fresh";
  ending: Ending | null = null;
  outbox: Outbox;
  inbox: Inbox;
  readonly calls = new Calls();
  readonly heartbeat = new Heartbeat();
  gaps = 0;
  /** Bytes that one message may have. */
  message = 1 << 20;
  readonly #options: SessionOptions;
  readonly #reserve: number;
  #answers: Packet[] = [];
  #gapAt = 0;
  #slowSince = NEVER;
  #goodbye: { readonly at: number; readonly ending: Ending } | null = null;
  #farewell: Data | null = null;

  constructor(options: SessionOptions, reserve: number) {
    this.codec = options.codec;
    this.#options = options;
    this.#reserve = reserve;
    this.outbox = this.#emptyOutbox();
    this.inbox = this.#emptyInbox();
  }

  // -- the state has one door ----------------------------------------------------------------------------------------

  _change(act: Act): void {
    const next = TRANSITIONS[this.state][act];
    if (!next) throw new LocalProtocolError(`a session that is ${this.state} cannot ${act}`);
    this.state = next;
  }

  /** Whether a transport is under the session now. */
  get attached(): boolean {
    return this.state === "attached" || this.state === "closing";
  }

  /** A transport begins; the peer has received everything up to `received`. */
  attach(received: number, now: number): void {
    this._change("attach");
    this.#slowSince = NEVER;
    this.#answers = [];
    // The last words of an earlier session whose transport did not take them.
    this.#farewell = null;
    this.outbox.rewind(received);
    this.heartbeat.heard = now;
    this.outbox.mark();
  }

  /** The transport is gone; everything is kept, but for what is volatile. */
  detach(): void {
    const goodbye = this.#goodbye;
    this._change("detach");
    this.outbox.dropVolatile();
    this.heartbeat.stop();
    this.#slowSince = NEVER;
    if (goodbye) this._finish(goodbye.ending);
  }

  /** Say goodbye: once everything is acked, after 2 s at most, the session ends for both. */
  close(now: number, code = "closed", reason = ""): void {
    if (this.state === "closing" || this.state === "ended") return;
    const ending = { code, reason, retryAfter: null };
    this._change("close");
    if (this.attached) {
      this.#goodbye = { at: now + CLOSE_WAIT, ending };
      this.outbox.mark();
    } else {
      this._finish(ending);
    }
  }

  /** End it now. An attached peer is told, if `tell`, by a Close in the last message that `take` returns. */
  end(code: string, reason = "", retryAfter: number | null = null, tell = true): void {
    if (this.state === "ended") return;
    if (this.attached && tell) {
      const wait = retryAfter === null ? null : Math.round(retryAfter * 1000);
      const parts = [this.progress(), { kind: "close", code, reason, retryAfter: wait } as const];
      this.#farewell = this.codec.pack(this.outbox.cursor, 0, parts.map(this.codec.encode));
      this.#options.wake();
    }
    this._change("end");
    this._finish({ code, reason, retryAfter });
  }

  _finish(ending: Ending): void {
    this.ending = ending;
    this.#goodbye = null;
    this.heartbeat.stop();
    for (const pending of this.calls) this.calls.abandon(pending, `the session ended: ${ending.code}`);
    this.outbox.close();
  }

  /** Numbers begin again. */
  _reset(): void {
    this.outbox = this.#emptyOutbox();
    this.inbox = this.#emptyInbox();
    this.heartbeat.stop();
    this.#goodbye = null;
    this.#gapAt = 0;
  }

  #emptyOutbox(): Outbox {
    return new Outbox(this.#options.outbox, this.#options.wake, this.#reserve);
  }

  #emptyInbox(): Inbox {
    return new Inbox(this.#options.inbox, () => this.outbox.mark());
  }

  // -- sending -------------------------------------------------------------------------------------------------------

  /**
   * Queue one packet for this peer.
   *
   * Throws OutboxFull when the packet alone is too large, and ConnectionClosed when the session has ended.
   */
  send(packet: Packet): Entry {
    return this._queue(this._entry(packet));
  }

  /** Send it if it can leave soon, else drop it; false when it was dropped at once. */
  sendVolatile(packet: Volatile, now: number): boolean {
    return this.attached && this.outbox.addVolatile(this.codec.encode(packet), now);
  }

  _entry(packet: Packet, wishes?: Wishes): Entry {
    const encoded = this.codec.encode(packet);
    // A quarter of the outbox, and never more than a message (contract rule 10).
    const largest = Math.min(this.outbox.bounds.size / 4, this.message - HEAD);
    if (encoded.length > largest) {
      throw new OutboxFull(
        `this ${packet.kind} of ${encoded.length} bytes is larger than one may be (${largest}); send it in parts`,
      );
    }
    return new Entry(packet, encoded, wishes);
  }

  /** Throws ConnectionClosed unless the session lives. */
  _live(): void {
    if (this.ending) throw new ConnectionClosed(this.ending.code, this.ending.reason);
  }

  _queue(entry: Entry): Entry {
    this._live();
    this.outbox.add(entry);
    return entry;
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
    this.#checkOverflow();
    const messages: Data[] = [];
    if (this.attached) {
      let owed = this.#owed(now);
      for (let more = true; more && !(single && messages.length); ) {
        const run = outbox.run(now, this.message - HEAD);
        const parts = [...owed, ...run.parts];
        owed = [];
        if (parts.length) messages.push(codec.pack(run.number, run.counted, parts));
        more = run.more;
      }
      if (!this.#goodbye || !outbox.idle) return messages;
      const { code, reason } = this.#goodbye.ending;
      this.end(code, reason);
    }
    if (this.#farewell && !(single && messages.length)) {
      messages.push(this.#farewell);
      this.#farewell = null;
    }
    return messages;
  }

  #checkOverflow(): void {
    if (this.outbox.overflowed) this.end("overflow", "the peer did not take what was sent to it", 1);
  }

  #owed(now: number): Uint8Array<ArrayBuffer>[] {
    const owed = this.#answers;
    this.#answers = [];
    if (this.inbox.owes) {
      owed.push(this.progress());
      this.inbox.acked(now);
    }
    return owed.map(this.codec.encode);
  }

  /** What we tell the peer of how far we are. */
  progress(): Ack {
    const { handed, received } = this.inbox;
    return { kind: "ack", handed, received: received === handed ? null : received };
  }

  // -- receiving -----------------------------------------------------------------------------------------------------

  /**
   * Take in one message; what it holds for the application waits for `deliver`.
   *
   * Returns how the transport is to be closed, if it is.
   */
  receive(data: Data, now: number): Closing | null {
    if (!this.attached) return null;
    this.heartbeat.heard = now;
    let message: Message;
    try {
      message = this.codec.decode(data);
    } catch (error) {
      if (error instanceof RemoteProtocolError) return this.#violated(error.code, error.message);
      throw error;
    }
    const { inbox } = this;
    // A message without counted packets may overtake others where answers to several requests are under way.
    if (message.counted && message.number > inbox.received + 1) return this.#gap(message.number);
    for (const packet of inbox.accept(message, data.length, now)) {
      const closing = this.#takeEffect(packet, now);
      if (closing) return closing;
    }
    return inbox.flooded
      ? this.#violated("flood", "more events than the window allows were sent before they were acked")
      : null;
  }

  /** Hand over the next packet for the application, in order; undefined when nothing waits. From here on it is acked. */
  deliver(): Packet | undefined {
    return this.inbox.handOver();
  }

  #gap(number: number): Closing {
    this.gaps++;
    const expected = this.inbox.received + 1;
    const reason = `expected number ${expected}, got ${number}`;
    if (this.#gapAt === expected) return this.#violated("protocol", `a second gap: ${reason}`);
    this.#gapAt = expected;
    return { code: "gap", reason };
  }

  /** The peer broke the contract: only a new session can help, or the same bytes would come for ever. */
  #violated(code: string, reason: string): Closing {
    this.end(code, reason, 1);
    return { code: "protocol", reason: code };
  }

  #takeEffect(packet: Packet, now: number): Closing | null {
    switch (packet.kind) {
      case "reply":
      case "failed":
        this.calls.answer(packet);
        return null;
      case "ack":
        return this.#acked(packet);
      case "ping":
        if (this.#answers.length < ANSWERS) {
          this.#answers.push({ kind: "pong", time: packet.time, now: Math.round(now * 1000) });
        }
        this.outbox.mark();
        return null;
      case "close":
        this.end(packet.code, packet.reason, packet.retryAfter == null ? null : packet.retryAfter / 1000, false);
        return { code: "ended", reason: packet.code };
      case "hello":
      case "welcome":
      case "refuse":
        return this.#violated("protocol", `${packet.kind} on a transport that is attached already`);
      case "join":
      case "joined":
      case "refused":
      case "leave":
      case "event":
      case "call":
      case "cancel":
      case "item":
      case "end":
      case "credit":
      case "renew":
      case "pong":
      case "volatile":
        // Handed over in order, or nothing that this side has to do with.
        return null;
    }
  }

  #acked({ handed, received }: Ack): Closing | null {
    const { outbox } = this;
    const arrived = received ?? handed;
    if (arrived < handed || arrived > outbox.numbered) {
      return this.#violated("protocol", `acked up to ${arrived}, but only ${outbox.numbered} were sent`);
    }
    outbox.ack(handed);
    // A goodbye waits for exactly this.
    if (this.#goodbye) outbox.mark();
    return null;
  }

  // -- time ----------------------------------------------------------------------------------------------------------

  /** The transport is congested although something waits: watch how long the outbox stays nearly full. */
  stalled(now: number): void {
    this.outbox.dirty = false;
    this.#checkOverflow();
    if (this.#slowSince === NEVER && this.outbox.above(0.75)) this.#slowSince = now;
  }

  /** When to call `tick`. */
  get due(): number {
    if (this.ending) return NEVER;
    const { inbox, heartbeat } = this;
    return Math.min(
      this.calls.due,
      this.outbox.due,
      this.#goodbye?.at ?? NEVER,
      this.attached && inbox.owes ? inbox.due : NEVER,
      heartbeat.due,
      this.#slowSince + SLOW_AFTER,
    );
  }

  /** Let time pass; call it when `due` has come. Returns how the transport is to be closed, if it is. */
  tick(now: number): Closing | null {
    if (this.ending) return null;
    for (const { id, entry } of this.calls.expire(now)) {
      if (!this.withdraw(entry)) this.send({ kind: "cancel", id });
    }
    const closing = this.attached ? this.#watch(now) : null;
    if (this.#goodbye && now >= this.#goodbye.at) {
      const { code, reason } = this.#goodbye.ending;
      this.end(code, reason);
    }
    return closing;
  }

  #watch(now: number): Closing | null {
    const { inbox, outbox } = this;
    if (now >= this.heartbeat.due) return { code: "silent", reason: "nothing was heard for too long" };
    if (inbox.owes && now >= inbox.due) {
      outbox.mark();
      // Should the transport be congested, this is looked after once a second.
      inbox.due = now + 1;
    }
    if (!outbox.above(0.75)) this.#slowSince = NEVER;
    return now >= this.#slowSince + SLOW_AFTER ? { code: "slow", reason: "the outbox stayed nearly full" } : null;
  }

  /** Take back a packet that has no number yet; false when it has, and is therefore sent for sure. */
  withdraw(entry: Entry): boolean {
    return entry.withdrawn || this.outbox.withdraw(entry);
  }
}

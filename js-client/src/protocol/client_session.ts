/**
 * The client's half of a session: it greets, learns whether it was resumed, and keeps the application's wishes.
 *
 * One object serves the application for as long as it wants, through any number of sessions: when one is lost, what
 * was under way is reported, what never left is kept, and the next Hello asks for a new one (contract rules 16, 22, 23).
 */
import { CallNotSent, LocalProtocolError, OutboxFull } from "../errors.js";
import type { Outcome, Pending } from "./calls.js";
import type { Closing, Ending } from "./closing.js";
import type { Member } from "./membership.js";
import { Membership } from "./membership.js";
import { Entry, type Wishes } from "./outbox.js";
import type { Call, Event, Hello, Packet, Volatile, Welcome } from "./packets.js";
import { Session, type SessionOptions } from "./session.js";

// Replies, cancels and leaves may pass the bound by so many (contract rule 11).
const RESERVE = 128;

/** What was sent and never acked when its session was lost: it may have run. `arrived` is null when unknown. */
export interface Unconfirmed {
  readonly packet: Event | Call;
  readonly arrived: boolean | null;
}

/**
 * A session is lost: why, what is unconfirmed, and after how many seconds to come back (null: not by itself).
 *
 * `unsent` is what was given up without ever having left: all of it, unless a new session will be asked for.
 */
export interface Lost {
  readonly reason: string;
  readonly unconfirmed: readonly Unconfirmed[];
  readonly unsent: readonly (Event | Call)[];
  readonly retryAfter: number | null;
}

/** One client, as it sees itself. */
export class ClientSession extends Session {
  sid: string | null = null;
  epoch: string | null = null;
  attempt = 0;
  /** How many sessions were lost: what an answer belongs to is gone once this has changed. */
  era = 0;
  readonly members = new Membership();
  /** Losses that nobody has been told of yet. */
  losses: Lost[] = [];
  // It is as secret as a password: private to the language, so that it shows in no log and no JSON (contract rule 1).
  readonly #key: string;
  #greeted: readonly Member[] = [];
  #lastCall = 0;
  #leftover: Packet[] = [];

  constructor(key: string, options: SessionOptions) {
    super(options, RESERVE);
    this.#key = key;
  }

  // -- attaching -----------------------------------------------------------------------------------------------------

  /** The secret, for the headers of HTTP requests. */
  get key(): string {
    return this.#key;
  }

  /** The Hello of a new attach. What it joins counts only if it makes the session. */
  greet(auth: unknown = null): Hello {
    this.attempt++;
    this.#greeted = this.members.wanted();
    return {
      kind: "hello",
      key: this.#key,
      attempt: this.attempt,
      epoch: this.epoch,
      sid: this.sid,
      received: this.inbox.received,
      auth,
      joins: this.#greeted.map((member) => [member.namespace, member.auth]),
    };
  }

  /** The server knows a newer attach than ours: go on above it. */
  stale(last: number): void {
    this.attempt = Math.max(this.attempt, last);
  }

  /** The server answered. False: both sides know different things, so the session is lost and must be made anew. */
  welcomed(welcome: Welcome, now: number): boolean {
    const { received, resumed, sid } = welcome;
    if (resumed) {
      const { outbox, inbox } = this;
      const known = outbox.acked <= received && received <= outbox.numbered;
      if (sid !== this.sid || !known || welcome.next > inbox.received + 1) {
        this.forget("mismatch");
        return false;
      }
    } else if (this.sid !== null) {
      this.#lose({ code: welcome.reason ?? "unknown", reason: "", retryAfter: 0 }, received);
    }
    this.sid = sid;
    this.epoch = welcome.epoch;
    this.message = welcome.message;
    this.heartbeat.interval = welcome.heartbeat[0] / 1000;
    this.heartbeat.timeout = welcome.heartbeat[1] / 1000;
    this.outbox.window = { packets: welcome.inbox[0], size: welcome.inbox[1] };
    this.attach(resumed ? received : 0, now);
    this.#catchUp(resumed);
    return true;
  }

  /** The session cannot go on: lose it without a word to the server, and ask for a new one next time. */
  forget(reason: string): void {
    this.#lose({ code: reason, reason: "", retryAfter: 0 });
  }

  /** What changed about the namespaces since Hello is said now, in front of everything else. */
  #catchUp(resumed: boolean): void {
    if (!resumed) {
      for (const member of this.#greeted) {
        if (member.wanted) {
          this.members.sent(member);
        } else {
          member.asked++;
          this.#sayLeave(member.namespace);
        }
      }
    }
    for (const member of this.members.wanted()) this.#join(member);
  }

  // -- namespaces ----------------------------------------------------------------------------------------------------

  /** Ask to be let into a namespace, now or with the next Hello. `joined` or `refused` tells how it went. */
  join(namespace: string, auth: unknown = null): Member {
    const member = this.members.want(namespace);
    member.auth = auth;
    if (this.state === "attached") this.#join(member);
    return member;
  }

  #join(member: Member): void {
    if (member.place !== "wanted") return;
    this.members.sent(member);
    this.send({ kind: "join", namespace: member.namespace, auth: member.auth });
  }

  #sayLeave(namespace: string): void {
    this.send({ kind: "leave", namespace });
  }

  /** Leave a namespace; what waited at its gate is certainly not sent. */
  leave(namespace: string): void {
    const member = this.members.get(namespace);
    const { place } = member;
    this.#giveBack(this.members.left(member));
    if ((place === "joining" || place === "in") && this.sid !== null && !this.ending) this.#sayLeave(namespace);
  }

  /** The server put us out of a namespace; false when that was about an earlier stay. */
  putOut(namespace: string): boolean {
    const member = this.members.get(namespace);
    if (member.place !== "in") return false;
    this.#giveBack(this.members.left(member));
    return true;
  }

  /** The server refused us; false when we did not want in any more. */
  refused(namespace: string): boolean {
    const entries = this.members.refused(namespace);
    this.#giveBack(entries ?? []);
    return entries !== null;
  }

  /** The connect handler of a joined namespace is done: what waited at its gate may go. */
  open(member: Member): void {
    if (member.place !== "in" || member.gate) return;
    member.gate = true;
    for (const entry of this.members.clear(member)) this._queue(entry);
  }

  /** Drop what waits at the gate of a namespace. */
  clear(namespace: string): void {
    this.#giveBack(this.members.clear(this.members.get(namespace)));
  }

  #giveBack(entries: readonly Entry[]): void {
    for (const { packet } of entries) {
      if (packet.kind === "call") this.calls.giveUp(packet.id, new CallNotSent("it was taken back before it was sent"));
    }
  }

  // -- sending -------------------------------------------------------------------------------------------------------

  /** An id for a call; never used again. */
  nextCall(): number {
    return ++this.#lastCall;
  }

  /**
   * Queue an event or call; it waits at the gate while its namespace is not joined.
   *
   * Throws OutboxFull, ConnectionClosed, and LocalProtocolError when the namespace was not asked for.
   */
  emit(packet: Event | Call, wishes?: Wishes): Entry {
    this._live();
    const member = this.members.get(packet.namespace);
    if (!member.wanted) {
      throw new LocalProtocolError(`namespace ${packet.namespace} is not joined; connect to it first`);
    }
    const entry = this._entry(packet, wishes);
    this.#admit(entry);
    if (member.gate) {
      this._queue(entry);
    } else {
      this.members.hold(member, entry);
    }
    return entry;
  }

  /** Queue a call; `settle` is told its one outcome. `deadline` is a point in time, in seconds. */
  emitCall(packet: Call, settle: (outcome: Outcome) => void, deadline: number, wishes?: Wishes): Pending {
    const pending = { id: packet.id, entry: this.emit(packet, wishes), deadline, settle };
    this.calls.open(pending);
    return pending;
  }

  /** Send it if it can leave soon, else drop it; false when it was dropped at once. */
  emitVolatile(packet: Volatile, now: number): boolean {
    return this.members.get(packet.namespace).gate && this.sendVolatile(packet, now);
  }

  #admit(entry: Entry): void {
    const { bounds } = this.outbox;
    const packets = this.outbox.packets + this.members.packets;
    const size = this.outbox.size + this.members.size;
    if (packets >= bounds.packets || size + entry.encoded.length > bounds.size) {
      throw new OutboxFull(
        `${packets} packets (${size} bytes) wait and the outbox takes ${bounds.packets} (${bounds.size} bytes); ` +
          "emit less while offline, or with a deadline",
      );
    }
  }

  /** See Session.withdraw; the packet may still wait at a gate. */
  override withdraw(entry: Entry): boolean {
    if (entry.held) this.members.withdraw(entry);
    return super.withdraw(entry);
  }

  /** See Session.deliver; what a lost session had received comes first. */
  override deliver(): Packet | undefined {
    return this.#leftover.shift() ?? super.deliver();
  }

  // -- losing a session ----------------------------------------------------------------------------------------------

  override _finish(ending: Ending): void {
    if (ending.retryAfter !== null) {
      this.#lose(ending);
      return;
    }
    const entries = this.outbox.entries;
    for (const member of this.members.wanted()) entries.push(...this.members.clear(member));
    this.#report(ending, entries, null);
    this.members.lost();
    this.sid = this.epoch = null;
    super._finish(ending);
  }

  /** What had a number is reported, or sent again if it may be; what had none waits at its gate. */
  #lose(ending: Ending, arrived: number | null = null): void {
    this._change("end");
    this._change("renew");
    const entries = this.outbox.entries;
    this.members.lost();
    const wanted = this.members.wanted();
    const held = wanted.flatMap((member) => this.members.clear(member));
    const dropped: Entry[] = [];
    const ordered = [...entries.filter((entry) => entry.number), ...entries.filter((entry) => !entry.number), ...held];
    for (const entry of ordered) {
      const { packet } = entry;
      if (packet.kind !== "event" && packet.kind !== "call") continue;
      const member = this.members.get(packet.namespace);
      if (member.wanted && (!entry.number || entry.wishes.repeatable)) {
        this.members.hold(member, entry.number ? this.#redelivery(entry, packet) : entry);
      } else {
        dropped.push(entry);
      }
    }
    this.#report(ending, dropped, arrived);
    for (const pending of this.calls) {
      if (!pending.entry.held) this.calls.abandon(pending, `the session was lost: ${ending.code}`);
    }
    this.#startAnew();
  }

  #report({ code, retryAfter }: Ending, entries: readonly Entry[], arrived: number | null): void {
    const unconfirmed: Unconfirmed[] = [];
    const unsent: (Event | Call)[] = [];
    for (const { packet, number } of entries) {
      if (packet.kind !== "event" && packet.kind !== "call") continue;
      if (number) {
        unconfirmed.push({ packet, arrived: arrived === null ? null : number <= arrived });
      } else {
        unsent.push(packet);
      }
    }
    this.losses.push({ reason: code, unconfirmed, unsent, retryAfter });
  }

  /** Numbers begin again; events that were received and not yet handed over are still delivered first. */
  #startAnew(): void {
    for (let packet = super.deliver(); packet; packet = super.deliver()) {
      // A Joined, or a call whose answer nobody awaits, would be taken for one of the new session.
      if (packet.kind === "event") this.#leftover.push(packet);
    }
    this._reset();
    this.era++;
    this.sid = this.epoch = null;
  }

  /** The same packet, marked; it was within the bounds before, and one byte more does not count. */
  #redelivery(entry: Entry, packet: Event | Call): Entry {
    const marked = { ...packet, redelivered: true };
    const again = new Entry(marked, this.codec.encode(marked), entry.wishes);
    for (const pending of this.calls) {
      if (pending.entry === entry) pending.entry = again;
    }
    return again;
  }

  // -- time ----------------------------------------------------------------------------------------------------------

  override get due(): number {
    return this.ending ? Number.POSITIVE_INFINITY : Math.min(super.due, this.members.due);
  }

  /** See Session.tick; what passed its deadline without a number is withdrawn. */
  override tick(now: number): Closing | null {
    const closing = super.tick(now);
    this.#giveBack([...this.outbox.expire(now), ...this.members.expire(now)]);
    return closing;
  }
}

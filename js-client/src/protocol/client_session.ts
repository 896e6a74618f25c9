/**
 * The client's half of a session: it greets, learns whether it was resumed, and keeps the application's wishes.
 *
 * One object serves the application for as long as it wants, through any number of sessions: when one is lost, what
 * was under way is reported, what never left is kept, and the next Hello asks for a new one (contract rules 16, 22, 23).
 */
import { LocalProtocolError, OutboxFull } from "../errors.js";
import type { Loss, Sent, Unconfirmed } from "../types.js";
import type { Ending } from "./closing.js";
import { Member } from "./membership.js";
import { obtain } from "./obtain.js";
import { Entry, sizeOfAll, type Wishes } from "./outbox.js";
import {
  addressed,
  CALL,
  type Call,
  EVENT,
  type Event,
  HELLO,
  type Hello,
  JOIN,
  LEAVE,
  type Packet,
  VOLATILE,
  type Volatile,
  type WelcomeFields,
} from "./packets.js";
import { Session, type SessionOptions } from "./session.js";
import { Flow } from "./streams.js";

/** One client, as it sees itself. */
export class ClientSession extends Session {
  sid: string | null = null;
  epoch: string | null = null;
  attempt = 0;
  readonly #members = new Map<string, Member>();
  /** Losses that nobody has been told of yet. */
  readonly losses: Loss[] = [];
  /** In how many seconds the server wants us back at the earliest; whoever attaches sets it back. */
  retryAfter = 0;
  /** The secret, as secret as a password: a function, so that it shows in no log and no JSON (contract rule 1). */
  readonly key: () => string;
  #greeted: readonly Member[] = [];
  #lastCall = 0;

  constructor(key: string, options: SessionOptions) {
    super(options);
    this.key = () => key;
  }

  // -- attaching -----------------------------------------------------------------------------------------------------

  /** The Hello of a new attach. What it joins counts only if it makes the session. */
  greet(auth?: unknown): Hello {
    this.attempt++;
    this.#greeted = this.#wanted();
    return [
      HELLO,
      {
        version: 1,
        key: this.key(),
        attempt: this.attempt,
        epoch: this.epoch,
        sid: this.sid,
        received: this.inbox.received,
        auth,
        joins: this.#greeted.map((member) => [member.namespace, member.auth]),
      },
    ];
  }

  /** The server knows a newer attach than ours: go on above it. */
  stale(last: number): void {
    this.attempt = Math.max(this.attempt, last);
  }

  /** The server answered. False: both sides know different things, so the session is lost and must be made anew. */
  welcomed(welcome: WelcomeFields, now: number, pings = true): boolean {
    const { received, resumed, sid } = welcome;
    const { outbox, inbox } = this;
    if (resumed) {
      const known = outbox.acked <= received && received <= outbox.numbered;
      if (sid !== this.sid || !known || welcome.next > inbox.received + 1) {
        this.#lose("mismatch");
        return false;
      }
    } else if (this.sid !== null) {
      const reason = welcome.reason ?? "unknown";
      // A server that does not know the session cannot know what of it had arrived.
      this.#lose(reason, 0, reason === "unknown" || reason === "server_restart" ? null : received);
      if (this.ending) return false;
    }
    this.sid = sid;
    this.epoch = welcome.epoch;
    this.message = Math.min(1 << 20, welcome.message ?? 1 << 20);
    const [interval, timeout] = welcome.heartbeat ?? [20_000, 20_000];
    this.patience = (interval + timeout) / 1000;
    const [packets, size] = welcome.inbox ?? [256, 1 << 20];
    this.outbox.window = { packets, size };
    this.attach(resumed ? received : 0, now, pings);
    this.#catchUp(resumed);
    return true;
  }

  /** What changed about the namespaces since Hello is said now, in front of everything else. */
  #catchUp(resumed: boolean): void {
    for (const member of resumed ? [] : this.#greeted) {
      if (member.wanted) {
        member.sent();
      } else {
        member.asked++;
        this.#sayLeave(member);
      }
    }
    for (const member of this.#wanted()) this.#join(member);
  }

  // -- namespaces ----------------------------------------------------------------------------------------------------

  /** Where we stand with a namespace: the same object for the same name. */
  member(namespace: string): Member {
    return obtain(this.#members, namespace, () => new Member(namespace));
  }

  /** All that can be joined now, in the order in which they were asked for. */
  #wanted(): Member[] {
    return [...this.#members.values()].filter((member) => member.wanted && !member.asking);
  }

  /** Ask to be let into a namespace, now or with the next Hello; `joined` or `refused` tells how it went. */
  join(member: Member): void {
    member.want();
    if (this.state === "attached") this.#join(member);
  }

  #join(member: Member): void {
    if (member.place !== "wanted") return;
    member.sent();
    this.send([JOIN, member.namespace, member.auth]);
  }

  #sayLeave({ namespace }: Member): void {
    this.send([LEAVE, namespace]);
  }

  /** Leave a namespace; what waited at its gate is certainly not sent. */
  leave(member: Member): void {
    const told = member.place === "joining" || member.place === "in";
    this.putOut(member);
    if (told) this.#sayLeave(member);
  }

  /** We are out of a namespace: see `leave`. */
  putOut(member: Member): void {
    member.left();
    this.clear(member);
  }

  /** The server let us in; false when that is no news, or not wanted any more: then we leave again. */
  joined(member: Member, socket: string): boolean {
    const news = member.answered("in");
    if (news) {
      member.socket = socket;
    } else if (member.place === "out") {
      this.#sayLeave(member);
    }
    return news;
  }

  /** The server refused us; false when we did not want in any more. */
  refused(member: Member): boolean {
    const news = member.answered("refused");
    if (news) this.clear(member);
    return news;
  }

  /** The connect handler of a joined namespace is done: what waited at its gate may go. */
  open(member: Member): void {
    if (member.place !== "in") return;
    member.open = true;
    this.outbox.open(member.namespace);
  }

  /** Drop what waits at the gate of a namespace. */
  clear({ namespace }: Member): void {
    this._giveBack((entry) => entry.gate === namespace);
  }

  // -- sending -------------------------------------------------------------------------------------------------------

  /** An id for a call; never used again. */
  nextCall(): number {
    return ++this.#lastCall;
  }

  /**
   * Queue an event or call; it waits at the gate while its namespace is not joined. What is volatile does not wait: it
   * is dropped unless it can leave soon.
   *
   * Throws OutboxFull, ConnectionClosed, and LocalProtocolError when the namespace was not asked for.
   */
  emit(packet: Event | Call | Volatile, wishes?: Wishes): Entry {
    const { outbox } = this;
    const [namespace] = addressed(packet);
    const entry = this._entry(packet, wishes);
    const member = this.member(namespace);
    if (!member.wanted) throw new LocalProtocolError(`connect to namespace ${namespace} first`);
    if (packet[0] === VOLATILE && !(this.carried && member.open && !outbox.above(0.5))) return entry;
    const { key } = entry.wishes;
    // The older one makes room, but stays when even so there is too little.
    const { bounds, entries } = outbox;
    const others = entries.filter(({ number, wishes }) => number || !key || wishes.key !== key);
    if (others.length >= bounds.packets || sizeOfAll(others) + entry.encoded.length > bounds.size) {
      throw new OutboxFull(`${others.length} packets wait; emit less, or with a deadline`);
    }
    if (key) outbox.withdraw(({ wishes }) => wishes.key === key);
    if (!member.open) entry.gate = namespace;
    outbox.add(entry);
    return entry;
  }

  /**
   * Queue a call, and return the end of its answer. `until` is a point in time, in seconds.
   *
   * Made while a connect handler runs, it opens the gate: the handler may wait for the answer.
   */
  emitCall(packet: Call, until: number, wishes?: Wishes): Flow {
    const [, id, namespace, , , , , , credit] = packet;
    const entry = this.emit(packet, wishes);
    const flow = new Flow(this, id, 0, credit ?? 0);
    flow.entry = entry;
    flow.until = until;
    this.open(this.member(namespace));
    return flow;
  }

  // -- losing a session ----------------------------------------------------------------------------------------------

  override _finish(ending: Ending): void {
    if (ending.retryAfter !== null) {
      this.#lose(ending.code, ending.retryAfter, null, ending.reason);
      return;
    }
    this.#report(ending.code, null, null, ending.reason);
    super._finish(ending);
  }

  #lose(reason: string, retryAfter = 0, arrived: number | null = null, detail = ""): void {
    if (this.parting) {
      this.end("closed", "", null, false);
      return;
    }
    this._change("end");
    this._change("renew");
    this.retryAfter = retryAfter;
    const kept = this.#report(reason, retryAfter, arrived, detail);
    for (const pending of this.calls.ours) {
      const again = kept.get(pending.entry);
      if (again) {
        pending.entry = again;
      } else {
        this.calls.abandon(pending, reason);
      }
    }
    this._reset(reason);
    for (const again of kept.values()) this.outbox.add(again);
  }

  /**
   * Forget the session, and report what was said in it.
   *
   * Unless it ends for good (`retryAfter` null), what never had a number and what may be sent again is kept instead:
   * returned with what goes on in its place.
   */
  #report(reason: string, retryAfter: number | null, arrived: number | null, detail: string): Map<Entry, Entry> {
    const kept = new Map<Entry, Entry>();
    const unconfirmed: Unconfirmed[] = [];
    const unsent: Sent[] = [];
    for (const entry of this.outbox.entries) {
      const { packet, wishes, number } = entry;
      if (packet[0] !== EVENT && packet[0] !== CALL) continue;
      const [namespace, name, args] = addressed(packet);
      const sent = { namespace, name, args };
      const again = entry.redelivered;
      if (retryAfter !== null && this.member(namespace).wanted && (!number || wishes.repeatable)) {
        const next = number ? this.#again(packet, wishes) : entry;
        next.gate = namespace;
        kept.set(entry, next);
      } else if (number || again) {
        const came = number && arrived !== null ? number <= arrived : null;
        // What was sent again may have run in the session before: that it did not come in this one says nothing.
        unconfirmed.push({ ...sent, arrived: again ? came || null : came });
      } else {
        unsent.push(sent);
      }
    }
    for (const member of this.#members.values()) member.lost();
    // And not the epoch: in a Hello without sid it says that this repeats no lost first one.
    this.sid = null;
    this.losses.push({ reason, detail, unconfirmed, unsent, retryAfter });
    return kept;
  }

  /** A packet to be sent again in the next session. It was within the bounds before, and the mark hardly counts. */
  #again(packet: Event | Call, wishes: Wishes): Entry {
    const marked = (packet[0] === CALL
      ? [...packet.slice(0, 6), true]
      : [...packet.slice(0, 4), true]) as unknown as Packet;
    const entry = new Entry(marked, this.codec.encode(marked), wishes);
    entry.redelivered = true;
    return entry;
  }
}

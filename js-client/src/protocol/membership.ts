/**
 * The client's namespaces: which are wanted, which are joined, and what waits at the gate until they are.
 *
 *     state      join      sent      joined    refused    left      lost
 *     out        wanted    -         -         -          out       out       not asked for
 *     wanted     wanted    joining   -         -          out       wanted    asked for, not yet on its way
 *     joining    joining   -         in        refused    out       wanted    on its way, in a Hello or a Join
 *     in         in        -         -         -          out       wanted    the gate opens when the connect handler is done
 *     refused    wanted    -         -         -          out       refused   the server said no
 *
 * What is emitted to a namespace before its gate is open waits here in order, within the bounds of the outbox. So it
 * is known of all of it that it was not sent, should the server refuse (contract rules 16, 23).
 */
import type { Entry } from "./outbox.js";

export type Place = "out" | "wanted" | "joining" | "in" | "refused";

/** One namespace of the client. */
export class Member {
  readonly namespace: string;
  place: Place = "out";
  auth: unknown = null;
  socket: string | null = null;
  gate = false;
  held: Entry[] = [];
  /** How many joins of this session wait for their answer: more than one after leaving and asking again. */
  asked = 0;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  get wanted(): boolean {
    return this.place !== "out" && this.place !== "refused";
  }
}

/** All namespaces of one client, and how much waits at their gates. */
export class Membership {
  readonly #members = new Map<string, Member>();
  packets = 0;
  size = 0;

  get(namespace: string): Member {
    let member = this.#members.get(namespace);
    if (!member) {
      member = new Member(namespace);
      this.#members.set(namespace, member);
    }
    return member;
  }

  /** The application asks for a namespace; nothing changes when it is joined or on its way. */
  want(namespace: string): Member {
    const member = this.get(namespace);
    if (!member.wanted) member.place = "wanted";
    return member;
  }

  /** All that a new session is to join, in the order in which they were asked for. */
  wanted(): Member[] {
    return [...this.#members.values()].filter((member) => member.wanted);
  }

  /** A Join of it is on its way. */
  sent(member: Member): void {
    member.place = "joining";
    member.asked++;
  }

  /** The server let us in; null when it is not wanted any more. The gate stays shut until `open`. */
  joined(namespace: string, socket: string): Member | null {
    const member = this.#answered(namespace);
    if (!member) return null;
    member.place = "in";
    member.socket = socket;
    return member;
  }

  /** The server said no: what waited at the gate is given back, certainly not sent; null when it is not wanted. */
  refused(namespace: string): Entry[] | null {
    const member = this.#answered(namespace);
    if (!member) return null;
    member.place = "refused";
    return this.clear(member);
  }

  /** We left, or were put out: what waited at the gate is given back. */
  left(member: Member): Entry[] {
    member.place = "out";
    member.gate = false;
    return this.clear(member);
  }

  /** The session is lost: what was joined has to be joined again, and every gate is shut until then. */
  lost(): void {
    for (const member of this.#members.values()) {
      member.gate = false;
      member.asked = 0;
      if (member.wanted) member.place = "wanted";
    }
  }

  /** Let a packet wait at the gate; with a key it replaces the older one. */
  hold(member: Member, entry: Entry): void {
    const { key } = entry.wishes;
    const older = key === undefined ? undefined : member.held.find((held) => held.wishes.key === key);
    if (older) this.withdraw(older);
    entry.held = true;
    member.held.push(entry);
    this.packets++;
    this.size += entry.encoded.length;
  }

  /** Give back what waits at the gate. */
  clear(member: Member): Entry[] {
    const entries = member.held;
    member.held = [];
    for (const entry of entries) this.#release(entry);
    return entries;
  }

  /** Take one packet out that waits at some gate. */
  withdraw(entry: Entry): void {
    for (const member of this.#members.values()) member.held = member.held.filter((held) => held !== entry);
    this.#release(entry);
    entry.withdrawn = true;
  }

  /** Withdraw what has passed its deadline, and return it. */
  expire(now: number): Entry[] {
    const expired = this.#held().filter((entry) => entry.deadline <= now);
    for (const entry of expired) this.withdraw(entry);
    return expired;
  }

  /** When to call `expire`. */
  get due(): number {
    return Math.min(...this.#held().map((entry) => entry.deadline));
  }

  /** The member whose latest Join was answered; an answer to an earlier one says nothing any more. */
  #answered(namespace: string): Member | null {
    const member = this.get(namespace);
    member.asked--;
    return member.place === "joining" && !member.asked ? member : null;
  }

  #held(): Entry[] {
    return [...this.#members.values()].flatMap((member) => member.held);
  }

  #release(entry: Entry): void {
    entry.held = false;
    this.packets--;
    this.size -= entry.encoded.length;
  }
}

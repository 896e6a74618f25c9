/**
 * A namespace of the client: whether it is wanted, and whether it is joined.
 *
 *     state      join      sent      joined    refused    left      lost
 *     out        wanted    -         -         -          out       out       not asked for
 *     wanted     wanted    joining   -         -          out       wanted    asked for, not yet on its way
 *     joining    joining   -         in        refused    out       wanted    on its way, in a Hello or a Join
 *     in         in        -         -         -          out       wanted    the gate opens after the connect handler
 *     refused    wanted    -         -         -          out       refused   the server said no
 *
 * What is emitted to a namespace before its gate is open waits in the outbox, and has no number. So it is known of all
 * of it that it was not sent, should the server refuse (contract rules 16, 23).
 */
export type Place = "out" | "wanted" | "joining" | "in" | "refused";

/** One namespace of the client. */
export class Member {
  readonly namespace: string;
  place: Place = "out";
  auth: unknown = null;
  /** Whether the credentials for it are still asked for; until they are there, no join of it leaves. */
  asking = false;
  socket: string | null = null;
  /** Whether the gate is open. */
  open = false;
  /** How many joins of this session wait for their answer: more than one after leaving and asking again. */
  asked = 0;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  get wanted(): boolean {
    return this.place !== "out" && this.place !== "refused";
  }

  /** The application asks for it; nothing changes when it is joined or on its way. */
  want(): void {
    if (!this.wanted) this.place = "wanted";
  }

  /** A join of it is on its way. */
  sent(): void {
    this.place = "joining";
    this.asked++;
  }

  /** A join was answered; false when that answers an earlier one, or is not wanted any more. */
  answered(place: "in" | "refused"): boolean {
    this.asked = Math.max(0, this.asked - 1);
    const counts = this.place === "joining" && !this.asked;
    if (counts) this.place = place;
    return counts;
  }

  left(): void {
    this.place = "out";
    this.open = false;
  }

  /** The session is lost: what was joined has to be joined again, and the gate is shut until then. */
  lost(): void {
    this.open = false;
    this.asked = 0;
    if (this.wanted) this.place = "wanted";
  }
}

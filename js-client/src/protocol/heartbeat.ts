/** How silence is noticed (contract rule 20): the server pings, the client answers and watches. */

export class Heartbeat {
  /** When anything at all last came from the peer; whoever receives sets it. Without a transport, never. */
  heard = Number.POSITIVE_INFINITY;
  interval = 20;
  timeout = 20;

  /** When the transport is to be given up if nothing is heard before. */
  get due(): number {
    return this.heard + this.interval + this.timeout;
  }

  /** No transport: silence means nothing. */
  stop(): void {
    this.heard = Number.POSITIVE_INFINITY;
  }
}

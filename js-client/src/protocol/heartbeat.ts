/** How silence is noticed (contract rule 20): the server pings, the client answers and watches. */
import { NEVER } from "./never.js";

export class Heartbeat {
  /** When anything at all last came from the peer; whoever receives sets it. */
  heard = 0;
  /** How long the peer may be silent. */
  patience = 40;
  /** Whether silence means something: with a transport that does not look after its own life, as polls do. */
  watching = false;

  /** When the transport is to be given up if nothing is heard before. */
  get due(): number {
    return this.watching ? this.heard + this.patience : NEVER;
  }
}

/**
 * What arrived, judged: nothing missing, nothing twice, all in order? Pure: it is told the time.
 *
 * The server counts the messages of each room, so a page sees of every message whether it is the next one; and what the
 * page itself sent must come back in the order in which it was sent.
 */
export class Tally {
  sent = 0;
  received = 0;
  missing = 0;
  twice = 0;
  disordered = 0;
  cuts = 0;
  /** The refs of own messages that have not come back, oldest first. */
  waiting = new Set();
  /** The cut that is going on, or the last one. */
  cut = null;

  #next = new Map();
  #missed = new Set();
  #skipped = new Set();
  #returned = new Set();
  #unsure = new Set();
  /** By how much the clock here is ahead of the server's, transport included: the least that was ever seen. */
  #ahead = Infinity;

  /** A room was entered; its next message will be the one with this id. */
  begin(room, next) {
    this.#next.set(room, next);
  }

  /** One of our messages was given to the client. */
  send(ref) {
    this.sent += 1;
    this.waiting.add(ref);
  }

  /** One of our messages is not waited for any more: it was found elsewhere, or the client gave it up. */
  settle(ref) {
    this.waiting.delete(ref);
  }

  /** The session was lost, so nobody promises any more that what waits comes back. */
  lose() {
    this.#unsure = new Set(this.waiting);
  }

  /** A message came in a room. Returns whether a cut had kept it. */
  receive(room, { id, at, ref }, now) {
    this.received += 1;
    this.#judge(room, id);
    const waited = this.cut?.waiting.has(ref) ?? false;
    if (ref) this.#takeBack(ref);
    const ahead = Number.isFinite(this.#ahead) ? this.#ahead : 0;
    this.#ahead = Math.min(this.#ahead, now - at);
    const late = this.cut?.until != null && (waited || at + ahead < this.cut.until);
    if (late) this.cut.late += 1;
    return late;
  }

  /** Nothing gets through any more. */
  break(now) {
    if (this.cut?.until === null) return;
    this.cuts += 1;
    this.cut = { since: now, until: null, late: 0, waiting: new Set(), before: this.#faults() };
  }

  /** The network works again. */
  mend(now) {
    if (this.cut?.until !== null) return;
    this.cut.until = now;
    this.cut.waiting = new Set(this.waiting);
  }

  /** What the last cut did to the messages. */
  get verdict() {
    if (this.cut === null) return null;
    const [missing, twice, disordered] = this.#faults().map((count, index) => count - this.cut.before[index]);
    return { missing, twice, disordered, late: this.cut.late };
  }

  #faults() {
    return [this.missing, this.twice, this.disordered];
  }

  /** Is it the next message of its room? */
  #judge(room, id) {
    const next = this.#next.get(room) ?? id;
    if (id >= next) {
      for (let lost = next; lost < id; lost += 1) this.#missed.add(`${room}/${lost}`);
      this.missing += id - next;
      this.#next.set(room, id + 1);
    } else if (this.#missed.delete(`${room}/${id}`)) {
      this.missing -= 1;
      this.disordered += 1;
    } else {
      this.twice += 1;
    }
  }

  /** If it is ours: is it the one that was sent first of those that wait? */
  #takeBack(ref) {
    if (this.waiting.has(ref)) {
      for (const older of this.waiting) {
        if (older === ref) break;
        this.waiting.delete(older);
        if (this.#unsure.has(older)) continue;
        this.#skipped.add(older);
        this.missing += 1;
      }
      this.waiting.delete(ref);
    } else if (this.#skipped.delete(ref)) {
      this.missing -= 1;
      this.disordered += 1;
    } else if (this.#returned.has(ref)) {
      this.twice += 1;
    }
    this.#returned.add(ref);
  }
}

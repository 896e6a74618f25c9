/** One namespace as the application holds it: what is heard in it, and what is said to it. */
import { answer } from "./answering.js";
import type { Client } from "./client.js";
import { fresh } from "./credentials.js";
import { Listeners, type Unsubscribe } from "./emitter.js";
import { ConnectionRefused, OutboxFull } from "./errors.js";
import type { Member } from "./protocol/membership.js";
import { obtain } from "./protocol/obtain.js";
import { addressed, CALL, EVENT, JOINED, LEAVE, type Packet, REFUSED, VOLATILE } from "./protocol/packets.js";
import { Flow } from "./protocol/streams.js";
import { type Home, Sender } from "./sender.js";
import type {
  AnyHeard,
  AnySaid,
  Args,
  Auth,
  Connected,
  DisconnectCode,
  Disconnected,
  Events,
  Handler,
  Name,
  SendOptions,
} from "./types.js";

// So many events may wait for a loop.
const WAITING = 1024;

export class Namespace<
  Heard extends Events<Heard> = AnyHeard,
  Said extends Events<Said> = AnySaid,
> extends Sender<Said> {
  /** The client behind it: its state, its transport, its losses. */
  readonly client: Client;
  readonly #home: Home;
  readonly #member: Member;
  readonly #events = new Map<string, Listeners<readonly unknown[]>>();
  readonly #any = new Listeners<readonly [event: string, ...args: unknown[]]>();
  readonly #connect = new Listeners<readonly [Connected]>();
  readonly #disconnect = new Listeners<readonly [Disconnected]>();
  readonly #refused = new Listeners<readonly [ConnectionRefused]>();
  /** Told when we are out, and do not come back by ourselves. */
  readonly #left = new Listeners<readonly []>();
  #connected = false;
  #auth: Auth = null;

  /** Made by Client.namespace. */
  constructor(home: Home, name: string) {
    super(home, name, {});
    this.client = home.client;
    this.#home = home;
    this.#member = home.session.member(name);
  }

  /** Whether the server let us in. It stays so while the session lives, transport or not. */
  get connected(): boolean {
    return this.#member.place === "in";
  }

  /** The public id of our socket in this namespace, while connected. */
  get id(): string | null {
    return this.connected ? this.#member.socket : null;
  }

  // -- hearing -------------------------------------------------------------------------------------------------------

  /**
   * Be told of an event. What the first handler of a call returns, or the promise of it, is the answer; an async
   * generator streams it. `this.signal` tells a handler when its call is cancelled.
   */
  on<N extends Name<Heard>>(event: N, handler: Handler<Heard, N>): Unsubscribe {
    return this.#of(event).add(handler as (...args: readonly unknown[]) => unknown);
  }

  once<N extends Name<Heard>>(event: N, handler: Handler<Heard, N>): Unsubscribe {
    return this.#of(event).add(handler as (...args: readonly unknown[]) => unknown, true);
  }

  /** Without a handler, all handlers of the event. */
  off<N extends Name<Heard>>(event: N, handler?: Handler<Heard, N>): void {
    this.#of(event).remove(handler as ((...args: readonly unknown[]) => unknown) | undefined);
  }

  /**
   * Read an event in a loop, each time as the array of what it carries: `for await (const [who] of chat.events("said"))`.
   *
   * It listens from now on, until the loop is left or the namespace is. When 1,024 events wait for the loop it throws
   * OutboxFull.
   */
  events<N extends Name<Heard>>(event: N): AsyncIterable<Args<Heard, N>> {
    const flow = new Flow<Args<Heard, N>>();
    const unleave = this.#left.add(() => flow.close());
    // A call is read as well, but only a handler answers it.
    const unlisten = this.onAny((name, ...args) => {
      if (name !== event) return;
      if (flow.waiting.length < WAITING) flow.put(args, 0);
      else flow.close(new OutboxFull(`${WAITING} events wait to be read`));
    });
    flow.onEnd = () => {
      unleave();
      unlisten();
    };
    return flow;
  }

  /** Be told of every event, before its own handlers. */
  onAny(handler: (event: string, ...args: unknown[]) => void): Unsubscribe {
    return this.#any.add(handler);
  }

  /** Be told when the server let us in. What was emitted before leaves once the handlers, or their promises, are done. */
  onConnect(handler: (connected: Connected) => unknown): Unsubscribe {
    return this.#connect.add(handler);
  }

  /** Be told when we are no longer in: the session was lost, or the namespace left. */
  onDisconnect(handler: (disconnected: Disconnected) => void): Unsubscribe {
    return this.#disconnect.add(handler);
  }

  onRefused(handler: (error: ConnectionRefused) => void): Unsubscribe {
    return this.#refused.add(handler);
  }

  // -- saying --------------------------------------------------------------------------------------------------------

  /** Emit, call and stream with options, for example `chat.with({ timeout: 2 }).call("vote")`. */
  with(options: SendOptions): Sender<Said> {
    return new Sender(this.#home, this.name, options);
  }

  /** Be told of everything that is emitted or called. */
  onAnyOutgoing(handler: (event: string, ...args: unknown[]) => void): Unsubscribe {
    return this.#home.outgoing.add(handler);
  }

  /** Drop what waits until the namespace is joined; calls among it end with CallNotSent. */
  clear(): void {
    this.#home.session.clear(this.#member);
  }

  /** Leave the namespace. The client's other namespaces go on. */
  leave(): void {
    this.#home.session.leave(this.#member);
    this._disconnected("left", "");
    this.#home.soon();
  }

  // -- what the client tells -----------------------------------------------------------------------------------------

  /** Ask to be let in, unless we are or did. */
  _join(auth: Auth | undefined): void {
    if (auth !== undefined) this.#auth = auth;
    if (this.#member.wanted) return;
    this.#member.want();
    this.#member.asking = true;
    this._refresh()
      .then(() => {
        // It may have been left while its credentials were asked for.
        if (this.#member.wanted) this.#home.session.join(this.#member);
        this.#home.soon();
      })
      .catch((error) => {
        this.#home.report(error);
        this.leave();
      });
  }

  /** Ask for fresh credentials, which may take a while: what the next join, in a Hello or alone, brings along. */
  async _refresh(): Promise<void> {
    if (!this.#member.wanted) return;
    this.#member.auth = await fresh(this.#auth);
    this.#member.asking = false;
  }

  /** A packet for this namespace. */
  _deliver(packet: Packet): void {
    const { session, report } = this.#home;
    switch (packet[0]) {
      case JOINED:
        if (session.joined(this.#member, packet[2])) this.#entered(packet[2]);
        break;
      case REFUSED:
        if (session.refused(this.#member)) {
          const [, , reason, data] = packet;
          const error = new ConnectionRefused(this.name, reason, data);
          // Nobody should have to wonder why nothing happens.
          if (!this.#refused.tell(report, error).length) report(error);
          this._disconnected("put_out", reason);
        }
        break;
      case LEAVE:
        // Else it is about an earlier stay.
        if (this.connected) {
          session.putOut(this.#member);
          this._disconnected("put_out", packet[2] ?? "");
        }
        break;
      case EVENT:
      case VOLATILE:
      case CALL: {
        // Also before we are in: what the server's connect handler says to us comes first.
        // After a leave nobody is there to hear; whoever calls is told so, for it may have all the time in the world.
        const { wanted } = this.#member;
        const [, name, args] = addressed(packet);
        // Names that only the server says are not kept.
        const listeners = (wanted && this.#events.get(name)) || new Listeners();
        if (wanted) this.#any.tell(report, name, ...args);
        // What its own failure cannot spell is the application's fault, too.
        if (packet[0] === CALL) answer(this.#home, packet, listeners, this.#left).catch(report);
        else listeners.tell(report, ...args);
      }
    }
  }

  /** We are no longer in. */
  _disconnected(code: DisconnectCode, reason: string): void {
    const { session, report } = this.#home;
    if (!this.#member.wanted || session.ending) this.#left.tell(report);
    if (!this.#connected) return;
    this.#connected = false;
    this.#disconnect.tell(report, { code, reason });
  }

  #of(event: string): Listeners<readonly unknown[]> {
    return obtain(this.#events, event, () => new Listeners());
  }

  #entered(id: string): void {
    const { session, report } = this.#home;
    this.#connected = true;
    Promise.all(this.#connect.tell(report, { id, resumed: false })).then(() => {
      // While the handlers waited the session may have been lost, and the namespace joined anew.
      if (this.#member.socket === id) session.open(this.#member);
      this.#home.soon();
    });
  }
}

/** One namespace as the application holds it: what is heard in it, and what is said to it. */
import type { Client } from "./client.js";
import { Listeners, type Report, type Unsubscribe } from "./emitter.js";
import { CallFailed, ConnectionRefused, OutboxFull } from "./errors.js";
import type { ClientSession } from "./protocol/client_session.js";
import type { Member } from "./protocol/membership.js";
import { NEVER } from "./protocol/never.js";
import { obtain } from "./protocol/obtain.js";
import type { Wishes } from "./protocol/outbox.js";
import type { Call, Failed, Packet, Reply } from "./protocol/packets.js";
import type { Answer, AnyHeard, AnySaid, Args, Auth, Connected, Events, Name, SendOptions } from "./types.js";

const CALL_TIMEOUT = 30;
const LONGEST = 1e6;

/** What a namespace needs of its client. */
export interface Home {
  readonly client: Client;
  readonly session: ClientSession;
  readonly report: Report;
  now(): number;
  /** Something is to be written, or a deadline to be kept. */
  soon(): void;
}

/** Emit and call with options. */
export class Sender<Said extends Events<Said>> {
  readonly #home: Home;
  readonly #namespace: string;
  readonly #options: SendOptions;

  constructor(home: Home, namespace: string, options: SendOptions) {
    this.#home = home;
    this.#namespace = namespace;
    this.#options = options;
  }

  /**
   * Say something; no answer is wanted. It waits while the client is not connected.
   *
   * Throws PayloadError, OutboxFull, ConnectionClosed, and LocalProtocolError after the namespace was left.
   */
  emit<N extends Name<Said>>(event: N, ...args: Args<Said, N>): void {
    const { session } = this.#home;
    session.emit({ kind: "event", namespace: this.#namespace, name: event, args }, this.#wishes());
    this.#home.soon();
  }

  /** Say something and wait for the answer; rejects with a CallError, or with what `emit` throws. */
  call<N extends Name<Said>>(event: N, ...args: Args<Said, N>): Promise<Answer<Said, N>> {
    return new Promise((resolve, reject) => {
      const { session } = this.#home;
      // Whatever the user asks for, the wire takes whole milliseconds from 0 on.
      const timeout = Math.max(0, Math.min(this.#options.timeout ?? CALL_TIMEOUT, LONGEST));
      const packet: Call = {
        kind: "call",
        id: session.nextCall(),
        namespace: this.#namespace,
        name: event,
        args,
        timeout: Math.round(timeout * 1000),
      };
      session.emitCall(
        packet,
        (error, value) => (error ? reject(error) : resolve(value as Answer<Said, N>)),
        this.#home.now() + timeout,
        this.#wishes(),
      );
      this.#home.soon();
    });
  }

  #wishes(): Wishes {
    const { deadline = NEVER, repeatable = false } = this.#options;
    return { repeatable, deadline: this.#home.now() + deadline };
  }
}

export class Namespace<
  Heard extends Events<Heard> = AnyHeard,
  Said extends Events<Said> = AnySaid,
> extends Sender<Said> {
  readonly name: string;
  /** The client behind it: its state, its transport, its losses. */
  readonly client: Client;
  readonly #home: Home;
  readonly #member: Member;
  readonly #events = new Map<string, Listeners<readonly unknown[]>>();
  readonly #any = new Listeners<readonly [event: string, ...args: unknown[]]>();
  readonly #connect = new Listeners<readonly [Connected]>();
  readonly #disconnect = new Listeners<readonly [reason: string]>();
  readonly #refused = new Listeners<readonly [ConnectionRefused]>();
  #connected = false;
  #auth: Auth = null;

  /** Made by Client.namespace. */
  constructor(home: Home, name: string) {
    super(home, name, {});
    this.name = name;
    this.client = home.client;
    this.#home = home;
    this.#member = home.session.members.get(name);
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

  /** Be told of an event. What the handler of a call returns, or the promise of it, is the answer. */
  on<N extends Name<Heard>>(event: N, handler: (...args: Args<Heard, N>) => unknown): Unsubscribe {
    return this.#of(event).add(handler as (...args: readonly unknown[]) => unknown);
  }

  once<N extends Name<Heard>>(event: N, handler: (...args: Args<Heard, N>) => unknown): Unsubscribe {
    return this.#of(event).add(handler as (...args: readonly unknown[]) => unknown, true);
  }

  /** Without a handler, all handlers of the event. */
  off<N extends Name<Heard>>(event: N, handler?: (...args: Args<Heard, N>) => unknown): void {
    this.#of(event).remove(handler as ((...args: readonly unknown[]) => unknown) | undefined);
  }

  /** Be told of every event, before its own handlers. */
  onAny(handler: (event: string, ...args: unknown[]) => void): Unsubscribe {
    return this.#any.add(handler);
  }

  offAny(handler?: (event: string, ...args: unknown[]) => void): void {
    this.#any.remove(handler);
  }

  /** Be told when the server let us in. What was emitted before leaves once the handlers, or their promises, are done. */
  onConnect(handler: (connected: Connected) => unknown): Unsubscribe {
    return this.#connect.add(handler);
  }

  /** Be told when we are no longer in: the session was lost, or the namespace left. */
  onDisconnect(handler: (reason: string) => void): Unsubscribe {
    return this.#disconnect.add(handler);
  }

  onRefused(handler: (error: ConnectionRefused) => void): Unsubscribe {
    return this.#refused.add(handler);
  }

  // -- saying --------------------------------------------------------------------------------------------------------

  /** Emit and call with options, for example `chat.with({ timeout: 2 }).call("vote")`. */
  with(options: SendOptions): Sender<Said> {
    return new Sender(this.#home, this.name, options);
  }

  /** Drop what waits until the namespace is joined; calls among it end with CallNotSent. */
  clear(): void {
    this.#home.session.clear(this.#member);
  }

  /** Leave the namespace. The client's other namespaces go on. */
  leave(): void {
    this.#home.session.leave(this.#member);
    this._disconnected("left");
    this.#home.soon();
  }

  /** The same as `leave`. */
  close(): void {
    this.leave();
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
    const auth = this.#auth;
    if (!this.#member.wanted) return;
    this.#member.auth = await (typeof auth === "function" ? auth() : auth);
    this.#member.asking = false;
  }

  /** A packet for this namespace. */
  _deliver(packet: Packet): void {
    const { session, report } = this.#home;
    switch (packet.kind) {
      case "joined":
        if (session.joined(this.#member, packet.socket)) this.#entered(packet.socket);
        break;
      case "refused":
        if (session.refused(this.#member)) {
          const error = new ConnectionRefused(this.name, packet.reason, packet.data);
          // Nobody should have to wonder why nothing happens.
          if (!this.#refused.size) report(error);
          this.#refused.tell(report, error);
        }
        break;
      case "leave":
        // Else it is about an earlier stay.
        if (this.connected) {
          session.putOut(this.#member);
          this._disconnected(packet.reason ?? "");
        }
        break;
      case "event":
      case "volatile":
        if (this.connected) {
          this.#any.tell(report, packet.name, ...packet.args);
          this.#of(packet.name).tell(report, ...packet.args);
        }
        break;
      case "call":
        // What its own failure cannot spell is the application's fault, too.
        this.#answer(packet).catch(report);
    }
  }

  /** We are no longer in. */
  _disconnected(reason: string): void {
    if (!this.#connected) return;
    this.#connected = false;
    this.#disconnect.tell(this.#home.report, reason);
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

  /** The first handler of the event answers. */
  async #answer({ id, name, args }: Call): Promise<void> {
    const { session, report, soon } = this.#home;
    const { era } = session;
    const send = (answer: Reply | Failed) => {
      // The caller is gone with its session, and the id may mean another call in the next.
      if (session.era === era) session.send(answer);
      soon();
    };
    this.#any.tell(report, name, ...args);
    try {
      const handler = this.#of(name).first();
      if (!handler) throw new CallFailed("unknown_event", name);
      send({ kind: "reply", id, value: await handler(...args) });
    } catch (error) {
      const { code, message, data } =
        error instanceof CallFailed
          ? error
          : new CallFailed(error instanceof OutboxFull ? "too_large" : "error", "the handler failed");
      if (!(error instanceof CallFailed)) report(error);
      send({ kind: "failed", id, code, message, data });
    }
  }
}

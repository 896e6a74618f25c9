/**
 * Every error of antiphon, sorted by whose fault it is; the same words as in Python.
 *
 * AntiphonError
 * ├── ConnectionClosed(code, reason)             the session ended
 * ├── ConnectionRefused(namespace, reason, data) admission said no
 * ├── CallError
 * │   ├── CallTimeout                            nobody answered in time
 * │   ├── CallFailed(code, message, data)        the other side's handler threw; details only if it chose to tell
 * │   ├── CallAbandoned                          the session ended while waiting: the outcome is unknown
 * │   └── CallNotSent                            the call never left this side, so it certainly did not run
 * ├── ProtocolError
 * │   ├── LocalProtocolError                     you asked for something the protocol forbids
 * │   └── RemoteProtocolError(code)              the peer did; the session ends with this code
 * │       └── DecodeError                        received bytes or text are no value of the wire
 * ├── PayloadError(path)                         a value that you sent cannot travel
 * └── OutboxFull                                 a bound of the outbox would be passed
 */

/** The root: whatever antiphon throws on purpose is one of these. */
export class AntiphonError extends Error {}

/** The session ended: `code` is one of the protocol's reasons, `reason` is for humans. */
export class ConnectionClosed extends AntiphonError {
  readonly code: string;
  readonly reason: string;

  constructor(code: string, reason = "") {
    super(reason ? `${code}: ${reason}` : code);
    this.code = code;
    this.reason = reason;
  }
}

/** The server turned this client away from `namespace`; `data` is what it chose to tell. */
export class ConnectionRefused extends AntiphonError {
  readonly namespace: string;
  readonly reason: string;
  readonly data: unknown;

  constructor(namespace: string, reason: string, data: unknown = null) {
    super(`${namespace} refused: ${reason}`);
    this.namespace = namespace;
    this.reason = reason;
    this.data = data;
  }
}

/** A call had another outcome than a value. */
export class CallError extends AntiphonError {}

/** Nobody answered in time. The handler may still run, or may have run. */
export class CallTimeout extends CallError {}

/**
 * The other side's handler threw.
 *
 * Throw it in your own handler to tell the caller `code`, `message` and `data`; of any other exception the caller
 * learns only that there was one.
 */
export class CallFailed extends CallError {
  readonly code: string;
  readonly data: unknown;

  constructor(code: string, message = "", data: unknown = null) {
    super(message || code);
    this.code = code;
    this.data = data;
  }
}

/** The session ended while the call was under way, so its outcome is unknown. */
export class CallAbandoned extends CallError {}

/** The call never left this side (its deadline passed, or its queue was cleared): it certainly did not run. */
export class CallNotSent extends CallError {}

/** Somebody broke the protocol. */
export class ProtocolError extends AntiphonError {}

/** You asked for something that the protocol forbids; nothing was sent. */
export class LocalProtocolError extends ProtocolError {}

/** The peer broke the protocol: `code` is the reason its session ends with. */
export class RemoteProtocolError extends ProtocolError {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Received bytes or text are no value of the wire; the fault is the peer's. */
export class DecodeError extends RemoteProtocolError {
  constructor(message: string) {
    super("protocol", message);
  }
}

/** A value that you sent cannot travel; `path` says where it stands, for example `args[0].when`. */
export class PayloadError extends AntiphonError {
  readonly path: string;

  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`);
    this.path = path;
  }
}

/** A packet would pass a bound of the outbox; it was refused where it was emitted and nothing else was disturbed. */
export class OutboxFull extends AntiphonError {}

/** All of them by name. A minifier renames classes, so what they are called is said here. */
export const errors = {
  AntiphonError,
  CallAbandoned,
  CallError,
  CallFailed,
  CallNotSent,
  CallTimeout,
  ConnectionClosed,
  ConnectionRefused,
  DecodeError,
  LocalProtocolError,
  OutboxFull,
  PayloadError,
  ProtocolError,
  RemoteProtocolError,
};
for (const [name, { prototype }] of Object.entries(errors)) prototype.name = name;

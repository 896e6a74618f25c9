/** The single-file build, for a page without npm: all public names in one global. */
import { Client } from "./client.js";
import { connect } from "./connect.js";
import { errors } from "./errors.js";
import { version } from "./index.js";

(globalThis as { antiphon?: object }).antiphon = { ...errors, Client, connect, version };

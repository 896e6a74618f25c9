// A socket.io-client under orders: each line of the input is one, each line of the output is something that happened.

import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const { origin, namespace = "", ...options } = JSON.parse(process.argv[2]);

const spelled = (value) => {
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return value.map(spelled);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, spelled(item)]));
  }
  return value;
};

const meant = (value) => {
  if (Array.isArray(value)) return value.map(meant);
  if (value !== null && typeof value === "object") {
    if ("bytes" in value) return Buffer.from(value.bytes, "hex");
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, meant(item)]));
  }
  return value;
};

const tell = (...what) => process.stdout.write(`${JSON.stringify(spelled(what))}\n`);

const socket = io(origin + namespace, { transports: ["websocket"], reconnection: false, ...options });
socket.on("connect", () => tell("connect", socket.id));
socket.on("connect_error", (error) => tell("connect_error", error.message, error.data ?? null));
socket.on("disconnect", (reason) => tell("disconnect", reason));
socket.onAny((event, ...args) => {
  const answer = typeof args.at(-1) === "function" ? args.pop() : undefined;
  tell("event", event, ...args);
  answer?.(...args);
});

createInterface({ input: process.stdin }).on("line", (line) => {
  const order = JSON.parse(line);
  const args = meant(order.args ?? []);
  switch (order.do) {
    case "emit":
      socket.emit(order.event, ...args);
      break;
    case "ask":
      socket.emit(order.event, ...args, (...answer) => tell("answer", ...answer));
      break;
    case "disconnect":
      socket.disconnect();
      break;
  }
});

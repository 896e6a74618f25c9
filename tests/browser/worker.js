// A client in a worker, a dedicated or a shared one: what it hears and how its calls end is posted to the page.

importScripts("/antiphon/antiphon.js");

const ports = "onconnect" in self ? [] : [self];
const tell = (...what) => {
  for (const port of ports) port.postMessage(what);
};

const client = new antiphon.Client();
const chat = client.namespace("/");
const tellState = () => {
  tell("transport", client.transport);
  tell("state", client.state);
};
client.onState(tellState);
client.onLoss(({ reason }) => tell("losses", reason));
chat.on("down", (number) => tell("down", number));

async function countUp({ data: [to, every] }) {
  for (let number = 1; number <= to; number++) {
    chat.call("up", number).then(
      (answer) => tell("outcome", number, answer === number ? "ok" : "wrong"),
      (error) => tell("outcome", number, error.name),
    );
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}

self.onmessage = countUp;
self.onconnect = ({ ports: [port] }) => {
  ports.push(port);
  port.onmessage = countUp;
  tellState();
};

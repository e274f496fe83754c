// Node's Socket.IO as a peer: node fanout_peer.js. Prints its port; POST /fan?n=&gap= emits events to everybody.
const http = require("http");
const { Server } = require("socket.io");

const body = "x".repeat(200);
const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname !== "/fan") return;
  const count = Number(url.searchParams.get("n"));
  const gap = Number(url.searchParams.get("gap") || 0) * 1000;
  const began = performance.now();
  for (let number = 0; number < count; number++) {
    io.emit("ev", { seq: number, t: Date.now() / 1000, body });
    await new Promise((resolve) => (gap ? setTimeout(resolve, gap) : setImmediate(resolve)));
  }
  response.end(JSON.stringify({ seconds: (performance.now() - began) / 1000 }));
});
const io = new Server(server, { pingInterval: 60000, pingTimeout: 60000, perMessageDeflate: false });
server.listen(0, "127.0.0.1", 4096, () => {
  const port = server.address().port;
  console.log(JSON.stringify({ port, control: port, cookie: "", pid: process.pid }));
});

// The only place that touches the socket. It brings news, keeps the place, and says when to start afresh.
import { io, type Socket } from "socket.io-client";
import type { News } from "./state";

/** Somebody who looks at the same ticket. */
export interface Companion {
  user_id: number;
  writing: boolean;
}

const PATIENCE = 5000; // milliseconds that a page waits for its first connection

export interface LineEvents {
  /** News in order; `upto` is the number everything is complete to. */
  news(events: News[], upto: number): void;
  /** The server cannot fill the gap: fetch everything anew. */
  reset(reason: string): void;
  connected(isFirst: boolean): void;
  disconnected(): void;
  /** Who is at a ticket now. */
  company(ticketId: number, people: Companion[]): void;
  /** The session has ended. */
  bye(): void;
}

export class Line {
  private socket: Socket | null = null;
  private wasConnected = false;
  private late = false; // somebody did not wait any longer for the first connection
  private opening: () => void = () => undefined;
  private readonly opened = new Promise<void>((done) => (this.opening = done));
  private readonly events: LineEvents;
  private readonly place: () => { after: number; contacts: number[] };

  constructor(events: LineEvents, place: () => { after: number; contacts: number[] }) {
    this.events = events;
    this.place = place;
  }

  open(): void {
    const socket = io({ transports: ["websocket"], reconnectionDelay: 300, reconnectionDelayMax: 5000, randomizationFactor: 0.5 });
    this.socket = socket;
    socket.on("news", (message: { upto: number; events: News[] }) => this.events.news(message.events, message.upto));
    socket.on("reset", (message: { reason: string }) => this.events.reset(message.reason));
    socket.on("company", (message: { ticket_id: number; people: Companion[] }) => this.events.company(message.ticket_id, message.people));
    socket.on("bye", () => this.events.bye());
    socket.on("connect", () => void this.connected(socket));
    socket.on("disconnect", () => this.events.disconnected());
    socket.on("connect_error", (error) => {
      // A refusal of the handshake is final until somebody signs in again; anything else is retried.
      if (socket.active) return;
      if (error.message === "Connection rejected by server") this.events.bye();
      else setTimeout(() => socket.connect(), 2000);
    });
  }

  close(): void {
    this.socket?.close();
    this.socket = null;
  }

  /**
   * Entries of these contacts are on screen; resolves when news of them are certain to come.
   * Where the server does not say so, the line is taken up anew: resuming asks for the same, and fills the gap.
   */
  async watch(contacts: number[]): Promise<void> {
    const socket = this.socket;
    if (!this.wasConnected && socket) {
      // The page may be there before its line: without waiting nobody would ever ask for these news.
      await Promise.race([this.opened, new Promise((done) => setTimeout(done, PATIENCE))]);
      this.late = !this.wasConnected;
    }
    if (!socket?.connected) return;
    const answer = await socket.timeout(5000).emitWithAck("watch", { contacts }).catch(() => ({ ok: false }));
    if (!answer.ok && socket.connected) socket.io.engine.close();
  }

  /** Where this person is, for those who are there too, and whether they use this console. */
  at(ticketId: number | null, writing: boolean, active: boolean): void {
    this.socket?.emit("at", { ticket_id: ticketId, writing, active });
  }

  private async connected(socket: Socket): Promise<void> {
    const first = !this.wasConnected;
    this.wasConnected = true;
    this.opening();
    if (first && this.late) this.events.reset("connected late");
    if (!first) {
      const answer = await socket.timeout(20000).emitWithAck("resume", this.place()).catch(() => ({ reset: "no answer" }));
      if (answer.reset) this.events.reset(String(answer.reset));
    }
    this.events.connected(first);
  }
}

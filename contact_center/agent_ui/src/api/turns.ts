// What one does to a ticket reaches the server in the order in which it was done: on two connections the second could overtake the first.
const last = new Map<number, Promise<unknown>>();

export function inTurn<T>(ticketId: number, run: () => Promise<T>): Promise<T> {
  const before = last.get(ticketId);
  const mine = before ? before.then(run, run) : run();
  const over = () => void (last.get(ticketId) === mine && last.delete(ticketId));
  last.set(ticketId, mine);
  mine.then(over, over);
  return mine;
}

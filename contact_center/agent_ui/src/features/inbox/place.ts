// Where somebody was in a list, so that a page that is loaded anew stands where it stood. It lives as long as the tab.
const KEY = "cc.place";

export interface Place {
  list: string;
  /** How many rows were loaded, and which one was at the top. */
  rows: number;
  top: number;
}

export const listName = (view: string, queueId: number | null): string => `${view}|${queueId}`;

export function keepPlace(place: Place): void {
  sessionStorage.setItem(KEY, JSON.stringify(place));
}

/** The place in this list, if it is the one that was left. */
export function placeIn(list: string): Place | null {
  try {
    const place = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Place | null;
    return place?.list === list && place.top ? place : null;
  } catch {
    return null;
  }
}

/** Whether a server of rewards is there. */

/** How long it may take to say so, in milliseconds. */
const patience = 5000;

/** Whether `GET /healthz` of a server at `url` is answered well. */
export async function isUp(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/healthz`, {
      signal: AbortSignal.timeout(patience),
      redirect: 'error',
    });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}

// Comes before everything of Gradio's and mends two faults of its connection (Gradio 6.31). See pages.py.
(() => {
  // It closes the connection as soon as its page is about to be left, takes that for a lost one, and two seconds later
  // loads the page again: a page that answers slowly was never reached, and a download ended what was running. The
  // browser closes the connection itself once the page is really left. Listeners of the window are called in the order
  // of registration: this one is the first.
  addEventListener("beforeunload", (event) => event.stopImmediatePropagation());

  // What became of a page's events comes on one stream, which the server ends once it knows of none. An event that is
  // asked for just then is accepted, and nobody hears of it: Gradio still holds the old stream for open, and a pressed
  // button does nothing until the next one is. So the end is held back until every event that was asked for has its
  // number, and while one of them has not completed the stream goes on over a new connection.
  const plainly = window.fetch.bind(window);
  const sessions = new Map();

  class Session {
    asking = new Set(); // events on their way to the server
    awaited = new Set(); // accepted, not completed
    early = new Set(); // completed before the page knew that they were accepted

    static of(hash) {
      if (!sessions.has(hash)) sessions.set(hash, new Session());
      return sessions.get(hash);
    }

    async ask(answering) {
      const accepted = answering.then((answer) => answer.clone().json()).then((told) => this.accept(told.event_id));
      const settled = accepted.catch(() => {}).finally(() => this.asking.delete(settled));
      this.asking.add(settled);
      return answering;
    }

    accept(event) {
      if (event && !this.early.delete(event)) this.awaited.add(event);
    }

    complete(event) {
      if (event && !this.awaited.delete(event)) this.early.add(event);
    }

    /** Whether an event is still to be heard of, once all that were asked for have been answered. */
    async waits() {
      while (this.asking.size) await Promise.all(this.asking);
      return this.awaited.size > 0;
    }
  }

  async function* framesOf(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      const frames = (rest + value).split("\n\n");
      rest = frames.pop();
      yield* frames;
    }
  }

  const ENDS = /"msg":"(process_completed|close_stream)"/;

  async function* lasting(session, request, answer) {
    for (let more = true; more; ) {
      more = false;
      for await (const frame of framesOf(answer.body)) {
        const told = ENDS.test(frame) ? JSON.parse(frame.slice("data:".length)) : {};
        if (told.msg === "process_completed") session.complete(told.event_id);
        more = told.msg === "close_stream" && (await session.waits());
        if (more) break;
        yield frame;
      }
      if (!more) return;
      answer = await plainly(new Request(request));
      if (!answer.ok) throw new Error(`the stream of events was refused: ${answer.status}`);
    }
  }

  function streaming(frames) {
    const encoder = new TextEncoder();
    return new ReadableStream({
      async pull(to) {
        const { value, done } = await frames.next();
        if (done) to.close();
        else to.enqueue(encoder.encode(`${value}\n\n`));
      },
      cancel: () => void frames.return(), // what it waits for is aborted by the request's own signal
    });
  }

  window.fetch = async (what, how) => {
    const url = new URL(what.url ?? what, location.href);
    if (url.pathname.endsWith("/queue/join") && typeof how?.body === "string") {
      return Session.of(JSON.parse(how.body).session_hash).ask(plainly(what, how));
    }
    const answer = await plainly(what, how);
    if (!url.pathname.endsWith("/queue/data") || !answer.ok) return answer;
    const frames = lasting(Session.of(url.searchParams.get("session_hash")), what, answer);
    return new Response(streaming(frames), { status: answer.status, headers: answer.headers });
  };
})();

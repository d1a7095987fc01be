// One of our members: a process that answers each line of JSON with one.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export class Peer {
  constructor(program, identifier) {
    this.identifier = identifier;
    this.child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  // The reply, also when it is a refusal.
  async ask(request) {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`member ${this.identifier} died on ${request.do}`);
    return JSON.parse(value);
  }

  // The reply; a refusal is an error.
  async tell(request) {
    const reply = await this.ask(request);
    if ('error' in reply) throw new Error(`member ${this.identifier}: ${reply.error}`);
    return reply;
  }

  leave() {
    this.child.stdin.end();
  }
}

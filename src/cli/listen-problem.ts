import { CommandError, EXIT } from "./exit-code.ts";

const PROBLEMS: Readonly<Partial<Record<string, string>>> = {
  EADDRINUSE: "the port is taken. Choose another with --port, or --port 0 for any that is free",
  EACCES: "permission denied. Choose a port above 1023 with --port",
  EADDRNOTAVAIL: "this machine has no such address. Choose another with --host",
  ENOTFOUND: "there is no such address. Choose another with --host",
  EAI_AGAIN: "the address cannot be looked up. Choose another with --host",
};

/** Why a server cannot listen, for the person who started it; other errors as they are. */
export function listenProblem(
  { host, port }: { readonly host: string; readonly port: number },
  error: unknown,
): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const problem = PROBLEMS[code];
  if (problem === undefined) return error;
  const message = `Cannot listen on ${host}:${port}: ${problem}`;
  return new CommandError(message, { exitCode: EXIT.error, code, cause: error });
}

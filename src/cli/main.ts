#!/usr/bin/env node
import { flushed, printError } from "./output.ts";
import { EXIT } from "./exit-code.ts";
import type { ExitCode } from "./exit-code.ts";
import { runProgram } from "./program.ts";
import { reportError } from "./report-error.ts";

/** The entry of the command line. */

const argv = process.argv.slice(2);
/** What comes before `--`: behind it are the arguments of others. */
const options = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
// What `serve` prints on stdout says that it answers, so it prints nothing when it does not.
const answersInJson = options.includes("--json") && argv[0] !== "serve";

const report = (error: unknown): ExitCode =>
  reportError(error, { debug: options.includes("--debug"), json: answersInJson });

process.on("uncaughtException", (error) => process.exit(report(error)));

const exitCode: number = await runProgram(argv).catch(report);
const lost = await flushed();
if (lost !== undefined) printError(`machineid: The answer could not be written: ${lost.message}`);
process.exit(lost === undefined || exitCode !== EXIT.ok ? exitCode : EXIT.error);

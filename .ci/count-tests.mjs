// Reads the JSON report of the tests ($1): prints "passed failed skipped", and
// appends a line for each failed test, and for each file that could not be
// loaded, to the file $2.
import { appendFileSync, readFileSync } from "node:fs";

const [reportFile, failuresFile] = process.argv.slice(2);
const report = JSON.parse(readFileSync(reportFile, "utf8"));
const firstLine = (text) => text.split("\n", 1)[0];
for (const { name, message, assertionResults } of report.testResults) {
  const failed = assertionResults.filter(({ status }) => status === "failed");
  const lines = failed.map((test) => `${test.fullName}: ${firstLine(test.failureMessages.join())}`);
  if (message) lines.unshift(firstLine(message));
  for (const line of lines) appendFileSync(failuresFile, `  ${name}: ${line}\n`);
}
const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = report;
process.stdout.write(`${numPassedTests} ${numFailedTests} ${numPendingTests + numTodoTests}\n`);

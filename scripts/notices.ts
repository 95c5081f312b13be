import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Metafile {
  readonly inputs: Readonly<Record<string, unknown>>;
}

const PACKAGE_FOLDER = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//;

/** Writes the licences of every package that the build bundled, from its metafile. */
export async function writeNotices(folder: string): Promise<void> {
  const metafilePath = join(folder, "metafile-esm.json");
  const { inputs } = JSON.parse(readFileSync(metafilePath, "utf8")) as Metafile;
  const folders = new Map<string, string>();
  for (const input of Object.keys(inputs)) {
    const match = PACKAGE_FOLDER.exec(input);
    if (match?.[1] !== undefined) folders.set(match[1], match[0]);
  }
  const sections = [...folders]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([name, packageFolder]) => noticeOf(name, packageFolder));
  const intro = `# Third-party notices\n\nThe files of this folder contain code of these ${folders.size} packages.\n`;
  writeFileSync(join(folder, "THIRD_PARTY_NOTICES.md"), [intro, ...sections].join("\n"));
  rmSync(metafilePath);
}

function noticeOf(name: string, folder: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    version: string;
    license?: string;
  };
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  const heading = `## ${name} ${manifest.version} (${manifest.license ?? "see text"})\n`;
  if (file === undefined || !existsSync(join(folder, file))) return heading;
  return `${heading}\n\`\`\`text\n${readFileSync(join(folder, file), "utf8").trim()}\n\`\`\`\n`;
}

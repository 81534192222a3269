// node check.mjs <document>: what the official parser says of it. Exit 1 on errors.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const file = process.argv[2];
const { document, diagnostics } = await new Parser().parse(readFileSync(file, 'utf8'), { source: file });
const errors = diagnostics.filter(({ severity }) => severity === 0);
for (const { code, path, message } of errors) console.log(`${code} at /${path.join('/')}: ${message}`);
if (document) {
  const messages = document.allMessages().all();
  const read = messages.filter((message) => message.hasPayload() && message.payload().properties());
  const operations = document.allOperations().all().length;
  for (const message of messages.filter((each) => !read.includes(each) && !each.id().includes('dead_letter'))) {
    errors.push(message);
    console.log(`no body: ${message.id()}`);
  }
  console.log(`${document.channels().all().length} channels, ${operations} operations, ${read.length} messages with a body`);
}
process.exit(document && errors.length === 0 ? 0 : 1);

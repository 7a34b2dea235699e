import { ERRORS, type ErrorCode } from '@fieldgate/contracts';

/** Where the words of the API are of no use to whoever types commands. */
const ON_THE_COMMAND_LINE: { readonly [code in ErrorCode]?: string } = {
  'device-unknown': 'Register it: fieldgate devices add.',
  'device-secret-wrong': 'Check the password, or set a new secret: fieldgate devices rotate.',
  unauthorized: 'Give the key of this installation with --admin-key, or in FIELDGATE_ADMIN_KEY.',
  'invalid-request': 'See --help of this command.',
  'not-found': 'The list of the same command shows what there is.',
  'device-not-found': 'Register it (fieldgate devices add), or see fieldgate devices list.',
  'device-exists': 'Choose another id, or change the device: fieldgate devices change.',
  'command-not-found': 'Commands are kept for 7 days.',
  'command-finished': 'Nothing is left to do.',
  'alert-not-found': 'See fieldgate alerts list.',
};

/** What a person at the command line does about an error. */
export function whatToDo(code: ErrorCode): string {
  return ON_THE_COMMAND_LINE[code] ?? ERRORS[code].todo;
}

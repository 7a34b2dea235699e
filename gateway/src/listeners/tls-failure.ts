/** Why a handshake of TLS has failed: a word for the metric, and what to do for the log. */
export interface TlsFailure {
  readonly kind: 'not-tls' | 'not-trusted' | 'version' | 'timeout' | 'ended' | 'other';
  readonly reason: string;
}

const NOT_TRUSTED =
  'the device does not trust the certificate: it has expired, is of another name, or of an authority that the device does not know';

/** OpenSSL names them after the packet that it could not read, or the alert that the device has sent (RFC 8446, 6.2). */
const KINDS: readonly (readonly [RegExp, TlsFailure])[] = [
  [/HTTP_REQUEST|HTTPS_PROXY_REQUEST/, { kind: 'not-tls', reason: 'HTTP without TLS came to a port of TLS' }],
  [
    /ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE)/,
    { kind: 'not-trusted', reason: NOT_TRUSTED },
  ],
  [
    /UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|NO_SHARED_CIPHER|HANDSHAKE_FAILURE|NO_SUITABLE/,
    {
      kind: 'version',
      reason: 'the device has no version or cipher of TLS in common: 1.2 and 1.3 are served',
    },
  ],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH|UNEXPECTED_MESSAGE|UNKNOWN_PROTOCOL|BAD_RECORD_TYPE/,
    {
      kind: 'not-tls',
      reason: 'what came is not TLS: let the device use TLS, or the port without it',
    },
  ],
  [/TLS_HANDSHAKE_TIMEOUT/, { kind: 'timeout', reason: 'the device did not finish within 10 s' }],
  [
    /ECONNRESET|EPIPE|UNEXPECTED_EOF/,
    {
      kind: 'ended',
      reason:
        'it was ended without a word: by a device that does not trust the certificate, or a load balancer that looks who listens',
    },
  ],
];

export function tlsFailure({ code = '', message }: NodeJS.ErrnoException): TlsFailure {
  const known = KINDS.find(([pattern]) => pattern.test(code));
  return known?.[1] ?? { kind: 'other', reason: code === '' ? message : code };
}

/** What is said of a case, in words. */

import type { Finding } from './examine.ts'
import { type Outage, reads } from './outage.ts'

/** What is wrong with an outage, in words. */
function faults({ state, callsInTenReads, values, unanswered }: Outage): string[] {
  const all: string[] = []
  if (callsInTenReads > 2) all.push(callsInTenReads === 10 ? 'every read calls' : 'reads call again and again')
  if (state !== 'expired' && values + unanswered < reads) all.push('a value that may be served is refused')
  else if (state !== 'expired' && unanswered) all.push('readers wait although a value may be served')
  return all
}

const outcome = (finding: Finding) => {
  const why =
    finding.experiment === 'outage'
      ? faults(finding).join('; ')
      : finding.oldAnswers && `when the old load answers ${finding.oldAnswers}`
  if (finding.experiment === 'outage' && finding.state === 'expired')
    return finding.isRight ? 'calm' : faults(finding).join('; ')
  if (finding.isRight) return 'right'
  return why ? `**wrong**: ${why}` : '**wrong**'
}

const aftermath = ({ unhandled }: Finding) =>
  unhandled.length ? `; **then an unhandled rejection**: ${[...new Set(unhandled)].join('; ')}` : ''

export const verdict = (finding: Finding): string => outcome(finding) + aftermath(finding)

// What `push` of a call needs of the outer world: asking the runtime, and the XML of Windows.
import type { CallUnderWay } from './call-under-way.ts'
import type { PushOutside } from './script-push.ts'
import { WNS_TEMPLATES, wnsBadgeXml, wnsTemplateXml } from './wns-templates.ts'

/** Functions for `scriptPush`. */
export function pushOutside(call: CallUnderWay): PushOutside {
  return {
    ask: (what, done) => {
      call.ask(what, false, done)
    },
    templates: WNS_TEMPLATES,
    templateXml: wnsTemplateXml,
    badgeXml: wnsBadgeXml,
  }
}

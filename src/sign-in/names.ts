// What providers are called in URLs, in tokens and by scripts.
import { isKnownProvider, type KnownProvider } from '../contract/auth-provider.ts'

/** As tokens have them; ids of users begin so. */
const IN_TOKENS: Record<KnownProvider, string> = {
  facebook: 'Facebook',
  twitter: 'Twitter',
  google: 'Google',
  microsoftaccount: 'MicrosoftAccount',
  aad: 'Aad',
}

/** The provider that a word of a URL means, whatever its case. */
export function providerNamed(word: string): string {
  const name = word.toLowerCase()
  return name === 'windowsazureactivedirectory' ? 'aad' : name
}

/** `Facebook`, as in the user id `Facebook:1234`; an own provider is called as it is. */
export function nameInTokens(provider: string): string {
  return isKnownProvider(provider) ? IN_TOKENS[provider] : provider
}

/** `microsoftaccount` again for what `nameForScripts` made of it. */
export function providerOfName(name: string): string {
  return name === 'microsoft' ? 'microsoftaccount' : name
}

/** `facebook`, as in what `getIdentities` gives. */
export function nameForScripts(provider: string): string {
  return provider === 'microsoftaccount' ? 'microsoft' : provider
}

// Lines that connect an app to a service: the constructors of the original's client libraries, and curl.

export const PLATFORMS = [
  { id: 'curl', label: 'curl' },
  { id: 'javascript', label: 'JavaScript' },
  { id: 'android', label: 'Android' },
  { id: 'ios', label: 'iOS' },
  { id: 'dotnet', label: '.NET' },
] as const

export type Snippet = { title: string; text: string }
export type Target = { url: string; pathUrl: string; key: string; table: string }

/** What to paste; of an unknown platform nothing. */
export function snippetsOf(platform: string, target: Target): Snippet[] {
  switch (platform) {
    case 'curl':
      return curl(target)
    case 'javascript':
      return javascript(target)
    case 'android':
      return android(target)
    case 'ios':
      return ios(target)
    case 'dotnet':
      return dotnet(target)
    default:
      return []
  }
}

// The path form of the URL: a shell need not resolve the service's own host name.
function curl({ pathUrl, key, table }: Target): Snippet[] {
  const rows = `${pathUrl.replace(/\/+$/, '')}/tables/${encodeURIComponent(table)}`
  const header = `-H 'X-ZUMO-APPLICATION: ${key}'`
  const json = `-H 'Content-Type: application/json'`
  return [
    { title: 'Insert a row', text: `curl -X POST ${header} ${json} -d '{"text":"buy milk"}' ${rows}` },
    { title: 'Read the rows', text: `curl ${header} '${rows}?$top=50'` },
    { title: 'Read one row', text: `curl ${header} ${rows}/ID` },
    { title: 'Change it', text: `curl -X PATCH ${header} ${json} -d '{"text":"buy bread"}' ${rows}/ID` },
    { title: 'Delete it', text: `curl -X DELETE ${header} ${rows}/ID` },
  ]
}

function javascript({ url, key, table }: Target): Snippet[] {
  return [
    { title: 'The client', text: `var client = new WindowsAzure.MobileServiceClient('${url}', '${key}');` },
    {
      title: 'Insert and read',
      text: [
        `var table = client.getTable('${table}');`,
        `table.insert({ text: 'buy milk' }).then(function (row) { console.log(row.id); });`,
        `table.read().then(function (rows) { console.log(rows); });`,
      ].join('\n'),
    },
  ]
}

function android({ url, key, table }: Target): Snippet[] {
  return [
    {
      title: 'Java',
      text: [
        `MobileServiceClient client = new MobileServiceClient("${url}", "${key}", this);`,
        `MobileServiceTable<${table}> table = client.getTable(${table}.class);`,
        `table.insert(item);`,
      ].join('\n'),
    },
    {
      title: 'Kotlin',
      text: [
        `val client = MobileServiceClient("${url}", "${key}", this)`,
        `val table = client.getTable(${table}::class.java)`,
        `table.insert(item)`,
      ].join('\n'),
    },
  ]
}

function ios({ url, key, table }: Target): Snippet[] {
  return [
    {
      title: 'Objective-C',
      text: [
        `MSClient *client = [MSClient clientWithApplicationURLString:@"${url}"`,
        `                                            applicationKey:@"${key}"];`,
        `MSTable *table = [client tableWithName:@"${table}"];`,
        `[table insert:@{ @"text": @"buy milk" } completion:^(NSDictionary *row, NSError *error) { }];`,
      ].join('\n'),
    },
    {
      title: 'Swift',
      text: [
        `let client = MSClient(applicationURLString: "${url}", applicationKey: "${key}")`,
        `let table = client.tableWithName("${table}")`,
        `table.insert(["text": "buy milk"]) { (row, error) in }`,
      ].join('\n'),
    },
  ]
}

function dotnet({ url, key, table }: Target): Snippet[] {
  return [
    {
      title: 'C#',
      text: [
        `var client = new MobileServiceClient("${url}", "${key}");`,
        `var table = client.GetTable("${table}");`,
        `await table.InsertAsync(new JObject { { "text", "buy milk" } });`,
      ].join('\n'),
    },
  ]
}

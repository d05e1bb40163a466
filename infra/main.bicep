metadata description = 'Everything that the connector needs in Azure, in one resource group.'

import { principalKind } from 'roles.bicep'
import { budgetType, emailAddress, instanceMemory, ipRange, storeKey, webhookAddress } from 'types.bicep'

targetScope = 'subscription'

@minLength(1)
@maxLength(30)
@description('Name of the environment, as in dev, test, prod. It is part of every name.')
param environmentName string

@minLength(1)
@metadata({ azd: { type: 'location' } })
@description('Region. Flex Consumption, and zones if zoneRedundant, must be offered there.')
param location string

@minLength(1)
@description('Keys of the stores, as in config/stores/<key>.toml. Each needs three secrets in the vault.')
param stores storeKey[]

@minLength(1)
@description('Folder of the package with a TOML file for each of the stores; the one given has the two examples.')
param storesFolder string = 'config/stores'

@minLength(12)
@description('Address of the F&O environment, as in https://contoso.operations.dynamics.com.')
param d365BaseUrl string

@maxLength(200)
@description('Address at which Shopify reaches the app, as in https://orders.contoso.com. Empty: the host name that Azure gives it.')
param webhookBaseUrl string = ''

@minValue(8)
@maxValue(52)
@description('Calls to F&O at once, of all processes together: the ceiling that they share among themselves. F&O documents 52 as the most for one user.')
param erpMaxConcurrency int = 8

@minValue(10)
@maxValue(180)
@description('Seconds until an answer of F&O counts as lost. A flow is cut off after 200.')
param d365TimeoutSeconds int = 120

@description('When F&O is known to be away, as in "Sun 02:00-05:00 Europe/Amsterdam; 2026-12-12 20:00-23:30" (UTC without a zone). Orders wait for the end.')
param erpMaintenance string = ''

@minValue(1)
@maxValue(1000)
@description('Instances at most. Azure counts them for the app or for each function (its pages differ) and stays not always below: it is a limit of cost. F&O is protected by erpMaxConcurrency.')
param maximumInstanceCount int = 40

@minValue(1)
@description('Sessions of the queue that one instance works on at once. As many as orders are divided into (SESSION_BUCKETS), so that none waits for a second instance.')
param sessionsPerInstance int = 64

@description('MB of an instance; 2048 comes with a whole core.')
param instanceMemoryMB instanceMemory = 2048

@minValue(0)
@description('Instances that always wait for webhooks: a cold start takes longer than the five seconds that Shopify waits.')
param alwaysReadyHttp int = 1

@minValue(1)
@maxValue(1000)
@description('Webhooks that one instance takes at once.')
param httpConcurrency int = 64

@description('App and storage survive the loss of a zone. Azure then keeps and charges two instances of each function group, always ready.')
param zoneRedundant bool = false

@description('Service Bus Premium instead of Standard.')
param premiumServiceBus bool = false

@maxLength(50)
@description('Name of the Service Bus namespace; empty for the derived one. Azure does not change a namespace from Standard to Premium: give another name together with premiumServiceBus.')
param serviceBusName string = ''

@description('The app takes business events of F&O over HTTPS, at /api/events/fo?key=...: hints that make shipments faster. Needs the secret d365-event-keys in the vault.')
param foEventsHttps bool = false

@description('The same over Service Bus: a namespace of its own, to whose queue F&O may send with a key. Its connection string is put into the vault, as fo-events-connection.')
param foEventsServiceBus bool = false

@description('Storage, Service Bus and the vault are reached through private endpoints only. Takes Service Bus Premium along.')
param networkIsolation bool = false

@description('With networkIsolation: addresses from which people may still reach the vault, the storage and Service Bus.')
param allowedIpRanges ipRange[] = []

@description('The vault cannot be purged once deleted. Off only where environments come and go.')
param purgeProtection bool = true

@description('Object id of the person, group or pipeline that enters secrets and uses the operator\'s command; empty for none.')
param operatorPrincipalId string = ''

@description('What kind of account operatorPrincipalId is.')
param operatorPrincipalType principalKind = 'User'

@minValue(30)
@maxValue(730)
@description('Days that telemetry is kept.')
param retentionDays int = 90

@minValue(1)
@description('GB of telemetry a day after which no more is taken in, so that a flood cannot cost without a limit. An alert comes at 80 %.')
param dailyQuotaGb int = 5

@description('What the resource group may cost a month before Azure writes to alertEmails and its owners; left out for no budget.')
param budget budgetType?

@description('E-mail addresses that every alert reaches.')
param alertEmails emailAddress[] = []

@description('Addresses (https) that every alert is posted to.')
param alertWebhooks webhookAddress[] = []

@description('Where the runbook is read: its address without an anchor. The alerts link there.')
param runbookUrl string = 'docs/runbook.md'

var names = loadJsonContent('abbreviations.json')
var state = loadJsonContent('storage.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var deploymentContainer = 'app-package'
var insightsName = '${names.applicationInsights}${environmentName}-${token}'
var operator = {
  id: operatorPrincipalId
  kind: operatorPrincipalType
}
var zones = {
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  table: 'privatelink.table.${environment().suffixes.storage}'
  namespace: 'privatelink.servicebus.windows.net'
  vault: 'privatelink.vaultcore.azure.net'
}

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: '${names.resourceGroup}${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  name: 'identity'
  params: {
    name: '${names.managedIdentity}${environmentName}-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  name: 'monitoring'
  params: {
    workspaceName: '${names.logAnalytics}${environmentName}-${token}'
    insightsName: insightsName
    location: location
    tags: tags
    retentionDays: retentionDays
    dailyQuotaGb: dailyQuotaGb
    appPrincipalId: identity.outputs.principalId
    operator: operator
  }
}

module hostStorage 'modules/storage.bicep' = {
  scope: group
  name: 'host-storage'
  params: {
    name: '${names.storageAccount}host${token}'
    location: location
    tags: tags
    containers: [deploymentContainer]
    tables: []
    expiringContainers: []
    versionedContainers: []
    roleScope: 'hostStorage'
    appPrincipalId: identity.outputs.principalId
    operator: operator
    zoneRedundant: zoneRedundant
    networkIsolation: networkIsolation
    allowedIpRanges: allowedIpRanges
  }
}

module stateStorage 'modules/storage.bicep' = {
  scope: group
  name: 'state-storage'
  params: {
    name: '${names.storageAccount}state${token}'
    location: location
    tags: tags
    containers: state.containers
    tables: state.tables
    expiringContainers: ['claims']
    versionedContainers: ['exports']
    roleScope: 'stateStorage'
    appPrincipalId: identity.outputs.principalId
    operator: operator
    zoneRedundant: zoneRedundant
    networkIsolation: networkIsolation
    allowedIpRanges: allowedIpRanges
  }
}

module serviceBus 'modules/servicebus.bicep' = {
  scope: group
  name: 'service-bus'
  params: {
    name: empty(serviceBusName) ? '${names.serviceBusNamespace}${environmentName}-${token}' : serviceBusName
    location: location
    tags: tags
    premium: premiumServiceBus || networkIsolation
    networkIsolation: networkIsolation
    allowedIpRanges: allowedIpRanges
    appPrincipalId: identity.outputs.principalId
    operator: operator
    workspaceId: monitoring.outputs.workspaceId
  }
}

module keyVault 'modules/keyvault.bicep' = {
  scope: group
  name: 'key-vault'
  params: {
    name: '${names.keyVault}${token}'
    location: location
    tags: tags
    purgeProtection: purgeProtection
    networkIsolation: networkIsolation
    allowedIpRanges: allowedIpRanges
    appPrincipalId: identity.outputs.principalId
    operator: operator
    workspaceId: monitoring.outputs.workspaceId
  }
}

module foEvents 'modules/foevents.bicep' = if (foEventsServiceBus) {
  scope: group
  name: 'fo-events'
  params: {
    name: '${names.serviceBusNamespace}fo-${token}'
    location: location
    tags: tags
    keyVaultName: keyVault.outputs.name
    appPrincipalId: identity.outputs.principalId
    operator: operator
    workspaceId: monitoring.outputs.workspaceId
  }
}

module network 'modules/network.bicep' = if (networkIsolation) {
  scope: group
  name: 'network'
  params: {
    name: '${names.virtualNetwork}${environmentName}-${token}'
    endpointPrefix: names.privateEndpoint
    location: location
    tags: tags
    zones: map(items(zones), zone => zone.value)
    endpoints: [
      {
        name: 'host-blobs'
        resourceId: hostStorage.outputs.id
        group: 'blob'
        zone: zones.blob
      }
      {
        name: 'state-blobs'
        resourceId: stateStorage.outputs.id
        group: 'blob'
        zone: zones.blob
      }
      {
        name: 'state-tables'
        resourceId: stateStorage.outputs.id
        group: 'table'
        zone: zones.table
      }
      {
        name: 'service-bus'
        resourceId: serviceBus.outputs.id
        group: 'namespace'
        zone: zones.namespace
      }
      {
        name: 'key-vault'
        resourceId: keyVault.outputs.id
        group: 'vault'
        zone: zones.vault
      }
    ]
  }
}

module functions 'modules/functions.bicep' = {
  scope: group
  name: 'functions'
  params: {
    name: '${names.functionApp}${environmentName}-${token}'
    planName: '${names.appServicePlan}${environmentName}-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    hostStorageBlobUri: hostStorage.outputs.blobUri
    deploymentContainer: deploymentContainer
    stateBlobUri: stateStorage.outputs.blobUri
    stateTableUri: stateStorage.outputs.tableUri
    serviceBusHostName: serviceBus.outputs.hostName
    keyVaultUri: keyVault.outputs.uri
    insightsConnectionString: monitoring.outputs.insightsConnectionString
    stores: stores
    storesFolder: storesFolder
    webhookBaseUrl: webhookBaseUrl
    foEventsHttps: foEventsHttps
    foEventsHostName: foEventsServiceBus ? foEvents!.outputs.hostName : ''
    d365BaseUrl: d365BaseUrl
    d365TimeoutSeconds: d365TimeoutSeconds
    erpMaxConcurrency: erpMaxConcurrency
    erpMaintenance: erpMaintenance
    maximumInstanceCount: maximumInstanceCount
    sessionsPerInstance: sessionsPerInstance
    instanceMemoryMB: instanceMemoryMB
    alwaysReadyHttp: alwaysReadyHttp
    httpConcurrency: httpConcurrency
    zoneRedundant: zoneRedundant
    subnetId: networkIsolation ? network!.outputs.functionsSubnetId : ''
  }
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  name: 'alerts'
  params: {
    actionGroupName: '${names.actionGroup}${environmentName}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    serviceBusId: serviceBus.outputs.id
    dailyQuotaGb: dailyQuotaGb
    emails: alertEmails
    webhooks: alertWebhooks
    runbookUrl: runbookUrl
  }
}

module availability 'modules/availability.bicep' = {
  scope: group
  name: 'availability'
  params: {
    name: '${names.webTest}${environmentName}-${token}'
    insightsName: insightsName
    location: location
    tags: tags
    url: functions.outputs.url
    actionGroupId: alerts.outputs.actionGroupId
    runbookUrl: runbookUrl
  }
}

module spending 'modules/budget.bicep' = if (budget != null) {
  scope: group
  name: 'budget'
  params: {
    name: '${names.budget}${environmentName}'
    amount: budget!.amount
    start: budget!.start
    emails: alertEmails
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  name: 'workbook'
  params: {
    displayName: 'Shopify and F&O (${environmentName})'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output SERVICE_APP_NAME string = functions.outputs.name
output SERVICE_APP_ENDPOINT_URL string = functions.outputs.url
output SERVICE_BUS_HOST string = serviceBus.outputs.hostName
output STATE_TABLE_URI string = stateStorage.outputs.tableUri
output STATE_BLOB_URI string = stateStorage.outputs.blobUri
output KEY_VAULT_NAME string = keyVault.outputs.name
output MANAGED_IDENTITY_CLIENT_ID string = identity.outputs.clientId

metadata description = 'The Functions app on Flex Consumption: its scale and its settings.'

import { instanceMemory, storeKey, tagsType } from '../types.bicep'

param name string
param planName string
param location string
param tags tagsType

param identityId string
param identityClientId string

param hostStorageBlobUri string
param deploymentContainer string
param stateBlobUri string
param stateTableUri string
param serviceBusHostName string
param keyVaultUri string
param insightsConnectionString string

@description('Keys of the stores, as in config/stores/<key>.toml.')
param stores storeKey[]

@description('Folder of the package with a TOML file for each of them.')
param storesFolder string

@description('Address at which Shopify reaches the app; empty for the host name that Azure gives it.')
param webhookBaseUrl string

@description('Whether F&O may post its business events to the app.')
param foEventsHttps bool

@description('Of the namespace to which F&O sends them; empty for none.')
param foEventsHostName string

param d365BaseUrl string
param d365TimeoutSeconds int

@description('Calls to F&O at once, of all processes together: they share it among themselves, nothing is divided here.')
param erpMaxConcurrency int
param erpMaintenance string

@description('Instances at most.')
param maximumInstanceCount int

@description('Sessions of the queue that one instance works on at once.')
param sessionsPerInstance int

param instanceMemoryMB instanceMemory

@description('Instances that always wait for webhooks.')
param alwaysReadyHttp int

@description('Webhooks that one instance takes at once. They wait for Service Bus, not for the processor.')
param httpConcurrency int

param zoneRedundant bool

@description('Of the subnet for outbound traffic, or empty.')
param subnetId string

var timers = loadJsonContent('../timers.json')

var schedules = [for timer in timers: { name: timer.setting, value: timer.schedule }]

// References without a version, so that a new version of a secret is picked up without a deployment.
var prefixes = [for store in stores: 'SHOPIFY_${toUpper(replace(store, '-', '_'))}']
var webhookSecrets = [
  for (store, i) in stores: {
    name: '${prefixes[i]}_WEBHOOK_SECRETS'
    value: '@Microsoft.KeyVault(SecretUri=${keyVaultUri}secrets/shopify-${store}-webhook-secrets)'
  }
]
var clientIds = [
  for (store, i) in stores: {
    name: '${prefixes[i]}_CLIENT_ID'
    value: '@Microsoft.KeyVault(SecretUri=${keyVaultUri}secrets/shopify-${store}-client-id)'
  }
]
var clientSecrets = [
  for (store, i) in stores: {
    name: '${prefixes[i]}_CLIENT_SECRET'
    value: '@Microsoft.KeyVault(SecretUri=${keyVaultUri}secrets/shopify-${store}-client-secret)'
  }
]

var settings = {
  AZURE_CLIENT_ID: identityClientId
  AzureWebJobsStorage__blobServiceUri: hostStorageBlobUri
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  ServiceBusConnection__fullyQualifiedNamespace: serviceBusHostName
  ServiceBusConnection__credential: 'managedidentity'
  ServiceBusConnection__clientId: identityClientId
  StateStorage__blobServiceUri: stateBlobUri
  StateStorage__tableServiceUri: stateTableUri
  AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentSessions: string(sessionsPerInstance)
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  // For the Functions host: its row is the first of each trace, and without these it may keep five traces a second. The
  // app keeps all of its own, whatever they say.
  OTEL_TRACES_SAMPLER: 'microsoft.fixed_percentage'
  OTEL_TRACES_SAMPLER_ARG: '1.0'
  STORES_FOLDER: storesFolder
  D365_BASE_URL: d365BaseUrl
  D365_MAX_CALLS: string(erpMaxConcurrency)
  D365_MAINTENANCE: erpMaintenance
  D365_TIMEOUT_SECONDS: string(d365TimeoutSeconds)
  ORDER_CHANGE_PAUSE_SECONDS: '10'
  D365_EVENT_KEYS: foEventsHttps ? '@Microsoft.KeyVault(SecretUri=${keyVaultUri}secrets/d365-event-keys)' : ''
  WEBHOOK_BASE_URL: webhookBaseUrl
  WEBHOOK_MAX_BYTES: '5000000'
  WEBHOOK_PUBLISH_SECONDS: '3.5'
}
// The function of F&O's queue exists where this connection does.
var foEventsConnection = empty(foEventsHostName)
  ? []
  : [
      { name: 'FoEventsConnection__fullyQualifiedNamespace', value: foEventsHostName }
      { name: 'FoEventsConnection__credential', value: 'managedidentity' }
      { name: 'FoEventsConnection__clientId', value: identityClientId }
    ]
var ownSettings = [for setting in items(settings): { name: setting.key, value: setting.value }]

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource site 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostStorageBlobUri}${deploymentContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: filter([{ name: 'http', instanceCount: alwaysReadyHttp }], group => group.instanceCount > 0)
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
      remoteDebuggingEnabled: false
      appSettings: concat(ownSettings, foEventsConnection, schedules, webhookSecrets, clientIds, clientSecrets)
    }
  }
}

// Deployments sign in with Entra ID; the user names and passwords that every app is born with stay off.
resource noPasswordForFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: site
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource noPasswordForScm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: site
  name: 'scm'
  properties: {
    allow: false
  }
}

output name string = site.name
output url string = 'https://${site.properties.defaultHostName}'

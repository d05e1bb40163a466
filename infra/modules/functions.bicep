metadata description = 'The Functions app on Flex Consumption: its scale, its settings, and the ceiling that it keeps towards F&O.'

param name string
param planName string
param location string
param tags object

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
param stores array

@description('Folder of the package with a TOML file for each of them.')
param storesFolder string

param d365BaseUrl string
param d365TimeoutSeconds int

@description('Calls to F&O at once, of all functions and instances together.')
param erpMaxConcurrency int

@description('MB of an instance: 512, 2048 or 4096.')
param instanceMemoryMB int

@description('Instances that always wait for webhooks; no more than erpMaxConcurrency leaves room for.')
param alwaysReadyHttp int

@description('Webhooks that one instance takes at once. They wait for Service Bus, not for the processor.')
param httpConcurrency int

param zoneRedundant bool

@description('Of the subnet for outbound traffic, or empty.')
param subnetId string

var topology = loadJsonContent('../topology.json')
var timers = loadJsonContent('../timers.json')
var host = loadJsonContent('../../host.json')

// The ceiling towards F&O. Flex scales every queue function and every timer on instances of its own, each up to the
// same instance count; timers run once. A queue hands out as many sessions as host.json has slots, so the first
// instance can hold them all, and further instances are allowed only where the ceiling has room for as many again.
// In a zone-redundant app Azure keeps two instances of each function, so there two have to share what there is.
var sessionsOfQueue = host.extensions.serviceBus.maxConcurrentSessions
var queueFunctions = length(topology.queues)
var instanceCap = max(zoneRedundant ? 2 : 1, erpMaxConcurrency / (queueFunctions * sessionsOfQueue))
var sessionsPerInstance = max(1, min(sessionsOfQueue, erpMaxConcurrency / (queueFunctions * instanceCap)))
var callsPerProcess = max(1, erpMaxConcurrency / (queueFunctions * instanceCap + length(filter(timers, timer => (timer.callsErp)))))
var waiting = min(instanceCap, alwaysReadyHttp)

var schedules = [for timer in timers: { name: timer.setting, value: timer.schedule }]

// References without a version, so that a new version of a secret is picked up without a deployment.
var prefixes = [for store in stores: 'SHOPIFY_${toUpper(replace(store, '-', '_'))}']
var webhookSecrets = [for (store, i) in stores: {
  name: '${prefixes[i]}_WEBHOOK_SECRETS'
  value: '@Microsoft.KeyVault(SecretUri=${keyVaultUri}secrets/shopify-${store}-webhook-secrets)'
}]
var clientIds = [for (store, i) in stores: {
  name: '${prefixes[i]}_CLIENT_ID'
  value: '@Microsoft.KeyVault(SecretUri=${keyVaultUri}secrets/shopify-${store}-client-id)'
}]
var clientSecrets = [for (store, i) in stores: {
  name: '${prefixes[i]}_CLIENT_SECRET'
  value: '@Microsoft.KeyVault(SecretUri=${keyVaultUri}secrets/shopify-${store}-client-secret)'
}]

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
  AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentCalls: string(sessionsPerInstance)
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  STORES_FOLDER: storesFolder
  D365_BASE_URL: d365BaseUrl
  D365_MAX_CALLS: string(callsPerProcess)
  D365_TIMEOUT_SECONDS: string(d365TimeoutSeconds)
  ORDER_CHANGE_PAUSE_SECONDS: '10'
  WEBHOOK_MAX_BYTES: '5000000'
  WEBHOOK_PUBLISH_SECONDS: '3.5'
}
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
        maximumInstanceCount: instanceCap
        alwaysReady: filter([{ name: 'http', instanceCount: waiting }], group => (group.instanceCount > 0))
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
      appSettings: concat(ownSettings, schedules, webhookSecrets, clientIds, clientSecrets)
    }
  }
}

// Deployments sign in with Entra ID; the user names and passwords that every app is born with stay off.
resource noPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = [for door in ['ftp', 'scm']: {
  parent: site
  name: door
  properties: {
    allow: false
  }
}]

output name string = site.name
output url string = 'https://${site.properties.defaultHostName}'

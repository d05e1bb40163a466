metadata description = 'A Service Bus namespace for F&O\'s business events alone. F&O signs in with a key, which the app\'s own namespace refuses.'

import { granted, operatorType } from '../roles.bicep'
import { tagsType } from '../types.bicep'

param name string
param location string
param tags tagsType

@description('Of the vault that gets the key.')
param keyVaultName string

@description('Object id of the app\'s identity.')
param appPrincipalId string

param operator operatorType

param workspaceId string

var roles = granted('foEventsQueue', operator)
var principals = {
  app: {
    id: appPrincipalId
    kind: 'ServicePrincipal'
  }
  operator: operator
}

resource namespace 'Microsoft.ServiceBus/namespaces@2026-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Standard'
  }
  properties: {
    // F&O's endpoint takes a connection string with a key, and nothing else.
    disableLocalAuth: false
    minimumTlsVersion: '1.2'
    publicNetworkAccess: 'Enabled'
  }
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2026-01-01' = {
  parent: namespace
  name: 'fo-events'
  properties: {
    requiresSession: false
    requiresDuplicateDetection: false
    // A hint is worth nothing once the timer has found what it was about.
    defaultMessageTimeToLive: 'PT1H'
    deadLetteringOnMessageExpiration: false
    lockDuration: 'PT1M'
    maxDeliveryCount: 10
    maxSizeInMegabytes: 1024
  }
}

resource sendOnly 'Microsoft.ServiceBus/namespaces/queues/authorizationRules@2026-01-01' = {
  parent: queue
  name: 'fo-sends'
  properties: {
    rights: ['Send']
  }
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: keyVaultName
}

resource connection 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = {
  parent: vault
  name: 'fo-events-connection'
  properties: {
    value: sendOnly.listKeys().primaryConnectionString
    contentType: 'connection string, may only send to the queue fo-events'
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in roles: {
    scope: queue
    name: guid(namespace.id, queue.name, principals[role.principal].id, role.id)
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.id)
      principalId: principals[role.principal].id
      principalType: principals[role.principal].kind
      description: role.reason
    }
  }
]

// The stable version before this preview knows no categories of logs.
#disable-next-line use-recent-api-versions
resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: namespace
  name: 'to-log-analytics'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'OperationalLogs'
        enabled: true
      }
    ]
  }
}

output hostName string = '${namespace.name}.servicebus.windows.net'

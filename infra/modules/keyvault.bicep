metadata description = 'The vault of the Shopify secrets of all stores. It is deployed empty: values never pass through a template.'

import { granted, operatorType } from '../roles.bicep'
import { ipRange, tagsType } from '../types.bicep'

param name string
param location string
param tags tagsType

@description('A deleted vault cannot be purged for 90 days, not even by its owner.')
param purgeProtection bool

@description('Only private endpoints and allowedIpRanges reach the vault.')
param networkIsolation bool

param allowedIpRanges ipRange[]

@description('Object id of the app\'s identity.')
param appPrincipalId string

param operator operatorType

param workspaceId string

var roles = granted('keyVault', operator)
var principals = {
  app: {
    id: appPrincipalId
    kind: 'ServicePrincipal'
  }
  operator: operator
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    // The service knows no "false" here: it is on, or it is left out.
    enablePurgeProtection: purgeProtection ? true : null
    publicNetworkAccess: networkIsolation && empty(allowedIpRanges) ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: networkIsolation ? 'Deny' : 'Allow'
      ipRules: [for address in allowedIpRanges: { value: address }]
    }
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in roles: {
    scope: vault
    name: guid(vault.id, principals[role.principal].id, role.id)
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
  scope: vault
  name: 'to-log-analytics'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'AuditEvent'
        enabled: true
      }
    ]
  }
}

output id string = vault.id
output name string = vault.name
output uri string = vault.properties.vaultUri

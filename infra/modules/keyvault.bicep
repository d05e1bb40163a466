metadata description = 'The vault of the Shopify secrets of all stores. It is deployed empty: values never pass through a template.'

param name string
param location string
param tags object

@description('A deleted vault cannot be purged for 90 days, not even by its owner.')
param purgeProtection bool

@description('Only private endpoints and allowedIpRanges reach the vault.')
param networkIsolation bool

param allowedIpRanges array

@description('Principal id and type by the name that roles.json uses.')
param principals object

param workspaceId string

var roles = filter(loadJsonContent('../roles.json'), role => (role.scope == 'keyVault' && !empty(principals[role.principal].id)))

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
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

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in roles: {
  scope: vault
  name: guid(vault.id, principals[role.principal].id, role.id)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.id)
    principalId: principals[role.principal].id
    principalType: principals[role.principal].type
    description: role.reason
  }
}]

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

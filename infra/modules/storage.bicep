metadata description = 'A storage account without keys. Deployed twice: for the Functions host, and for the state of the app.'

import { granted, operatorType } from '../roles.bicep'
import { ipRange, tagsType } from '../types.bicep'

param name string
param location string
param tags tagsType

@description('Names of the blob containers.')
param containers string[]

@description('Names of the tables.')
param tables string[]

@description('Containers whose blobs are deleted after deleteAfterDays.')
param expiringContainers string[]

@description('Days. Longer than the longest life of a message that points to a blob, time in a dead-letter queue included.')
param deleteAfterDays int = 60

@description('Containers whose blobs keep earlier versions, and are deleted with them after keepDays. Azure versions the whole account: the other containers keep a version for a day.')
param versionedContainers string[]

@description('Days. How far back a restore can go.')
param keepDays int = 35

@description('Which entries of roles.json apply to this account.')
param roleScope 'hostStorage' | 'stateStorage'

@description('Object id of the app\'s identity.')
param appPrincipalId string

param operator operatorType

@description('Three zones instead of one.')
param zoneRedundant bool

@description('Only private endpoints and allowedIpRanges reach the account.')
param networkIsolation bool

param allowedIpRanges ipRange[]

var roles = granted(roleScope, operator)
var principals = {
  app: {
    id: appPrincipalId
    kind: 'ServicePrincipal'
  }
  operator: operator
}
var expiringPrefixes = [for item in expiringContainers: '${item}/']
var versionedPrefixes = [for item in versionedContainers: '${item}/']
var otherContainers = filter(containers, item => !contains(versionedContainers, item))
var otherPrefixes = [for item in otherContainers: '${item}/']

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS'
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: networkIsolation && empty(allowedIpRanges) ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: networkIsolation ? 'Deny' : 'Allow'
      ipRules: [for address in allowedIpRanges: { value: address, action: 'Allow' }]
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    isVersioningEnabled: !empty(versionedContainers)
    deleteRetentionPolicy: {
      enabled: true
      days: 7
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 7
    }
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = [
  for item in containers: {
    parent: blobs
    name: item
    properties: {
      publicAccess: 'None'
    }
  }
]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-06-01' = [
  for item in tables: {
    parent: tableService
    name: item
  }
]

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = if (!empty(expiringContainers)) {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'delete-what-nobody-points-to'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: expiringPrefixes
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: deleteAfterDays
                }
              }
            }
          }
        }
        {
          name: 'delete-old-exports'
          enabled: !empty(versionedContainers)
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: versionedPrefixes
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: keepDays
                }
              }
              version: {
                delete: {
                  daysAfterCreationGreaterThan: keepDays
                }
              }
            }
          }
        }
        {
          name: 'delete-versions-that-nobody-restores'
          enabled: !empty(versionedContainers)
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: otherPrefixes
            }
            actions: {
              version: {
                delete: {
                  daysAfterCreationGreaterThan: 1
                }
              }
            }
          }
        }
      ]
    }
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in roles: {
    scope: account
    name: guid(account.id, principals[role.principal].id, role.id)
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.id)
      principalId: principals[role.principal].id
      principalType: principals[role.principal].kind
      description: role.reason
    }
  }
]

output id string = account.id
output blobUri string = account.properties.primaryEndpoints.blob
output tableUri string = account.properties.primaryEndpoints.table

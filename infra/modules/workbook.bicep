metadata description = 'The picture of the flows in the portal.'

import { tagsType } from '../types.bicep'

param displayName string
param location string
param tags tagsType
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'flows')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: displayName
    category: 'workbook'
    sourceId: workspaceId
    version: '1.0'
    serializedData: loadTextContent('../workbook.json')
  }
}

output id string = workbook.id

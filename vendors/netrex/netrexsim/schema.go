package netrexsim

// schemaText has the names of the vendor's texts. Types that these do not name
// (all but StatisticDataMetricType), the arguments of statisticData, the rows of
// the granularity query and whatever begins with demo are invented.
const schemaText = `
enum NodeType { folder camera user box cameraAudioDevice cashdesk dataView dashboard report removedNode videoChannel panel location }
enum StatisticDataMetricType { peopleCountAverage peopleCountPassBy transactionCountPositive transactionCountNegative conversionCount }
enum StatisticDataType { peopleCountIn peopleCountPassBy transactionCountIn transactionCountOut }
enum Granularity { HQ QH H H4 H8 H12 D W M }
scalar Id
scalar Figure
type Node { node_id: Id! parent_node_id: Id type: NodeType! name: String external_id: String }
type Output { height: Int! }
type Recording { recording_id: String! duration: Int! download_url: String outputs: [Output!]! }
type Camera { node_id: Id! name: String recordings(from: Int!, to: Int!): [Recording!] }
type DemoState { online: Boolean! preset: Int }
type Query {
  cameraList: [Camera!]
  nodeList(type: NodeType): [Node!]
  camera(node_id: Int!): Camera
  recording(recording_id: String!): Recording
  statisticData(node_id: Int!, type: StatisticDataType!, from: Int!, to: Int!): Figure
  statisticDataMetric(from: Int!, to: Int!, type: StatisticDataMetricType!, node_id: Int!): Figure
  statisticDataMetricByGranularity(from: Int!, to: Int!, type: StatisticDataMetricType!, node_id: Int!, granularity: Granularity!): [Figure]
  demoState(node_id: Int!): DemoState
}
type Mutation {
  recordingPrepare(recording_id: String!, height: Int!): Boolean
  demoGotoPreset(node_id: Int!, preset: Int!): Boolean
}
`

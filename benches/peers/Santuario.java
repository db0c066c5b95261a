import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.xml.security.Init;
import org.apache.xml.security.signature.XMLSignature;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/** Verifications per second of this thread's processor time with Apache Santuario, warmed up. */
public class Santuario {
  static DocumentBuilderFactory factory;

  static void verify(byte[] text, X509Certificate certificate) throws Exception {
    Document document = factory.newDocumentBuilder().parse(new ByteArrayInputStream(text));
    Element element =
        (Element)
            document
                .getElementsByTagNameNS("http://www.w3.org/2000/09/xmldsig#", "Signature")
                .item(0);
    XMLSignature signature = new XMLSignature(element, "", true);
    if (!signature.checkSignatureValue(certificate)) throw new Exception("not verified");
  }

  static double run(byte[] text, X509Certificate certificate, double seconds) throws Exception {
    var threads = ManagementFactory.getThreadMXBean();
    long began = threads.getCurrentThreadCpuTime();
    for (int done = 1; ; done++) {
      verify(text, certificate);
      double took = (threads.getCurrentThreadCpuTime() - began) / 1e9;
      if (took >= seconds) return done / took;
    }
  }

  public static void main(String[] arguments) throws Exception {
    Init.init();
    factory = DocumentBuilderFactory.newInstance();
    factory.setNamespaceAware(true);
    byte[] text = Files.readAllBytes(Path.of(arguments[0]));
    try (var file = new FileInputStream(arguments[1])) {
      var certificate =
          (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(file);
      run(text, certificate, 4.0);
      System.out.printf(java.util.Locale.ROOT, "%.1f%n", run(text, certificate, 1.0));
    }
  }
}
